import { expect, test } from '@playwright/test';
import { judge, type Finding, type Told } from './judge.ts';
import { largeTexts, planLarges, type LargeForm } from './large.ts';
import * as chaosLimits from './limits.ts';
import { faultKinds, lanes, longPace, planLane, shortPace, type Pace } from './schedule.ts';
import { browserNames, chaosHosts, kindsOf } from './setting.ts';
import { entryName, type Held, type Story, type View } from './story.ts';

const story = (n: number, more: Partial<Story> = {}): Story => ({
  producer: 'p',
  n,
  topic: 'news',
  publishedAt: n,
  storedAt: n + 1,
  durability: 'strict',
  ...more,
});

const unstored = (n: number, more: Partial<Story> = {}): Story => {
  const { storedAt: _, durability: __, ...rest } = story(n);
  return { ...rest, ...more };
};

const held = (...numbers: readonly number[]): Held[] =>
  numbers.map((n, index) => ({ epoch: 'e', offset: index + 1, entry: entryName('p', n) }));

const view = (sights: View['sights']): View => ({
  producer: 'viewer',
  topic: 'news',
  sights,
  beganWith: 'strict',
});

const message = (offset: number, n: number): View['sights'][number] => ({
  kind: 'message',
  epoch: 'e',
  offset,
  text: entryName('p', n),
});

const judged = (record: readonly Held[], told: Partial<Told>): string[] =>
  judge(new Map([['news', record]]), {
    stories: [],
    views: [],
    damages: [],
    survivors: new Set(),
    cursorTopics: [],
    ...told,
  }).map(({ kind, entry }: Finding) => `${kind} ${entry}`);

test('a record with everything told stored, once and in order, is a good one', () => {
  const stories = [story(1), story(2, { ackedAt: 5 }), story(3)];
  expect(judged(held(1, 2, 3), { stories })).toEqual([]);
});

test('an entry that was told stored and is not there is lost', () => {
  expect(judged(held(1, 3), { stories: [story(1), story(2), story(3)] })).toEqual(['lost p.2']);
});

test('an entry that was told acked and is not there is lost, wherever it was stored', () => {
  const stories = [story(1, { durability: 'memory', ackedAt: 3 }), unstored(2, { ackedAt: 3 })];
  expect(judged(held(), { stories })).toEqual(['lost p.1', 'lost p.2']);
});

test('an entry that was stored in memory, or never told stored, may be missing', () => {
  expect(judged(held(), { stories: [story(1, { durability: 'memory' }), unstored(2)] })).toEqual([]);
});

test('an entry that is there twice is doubled, told stored or not', () => {
  expect(judged(held(1, 1), { stories: [story(1)] })).toEqual(['doubled p.1']);
  expect(judged(held(1, 2, 1), { stories: [unstored(1)] })).toEqual(['disordered p.1', 'doubled p.1']);
  expect(judged(held(1, 1), {})).toEqual(['doubled p.1']);
});

test('an entry behind a later one of its page and topic is out of order', () => {
  expect(judged(held(2, 1, 3), { stories: [story(1), story(2), story(3)] })).toEqual(['disordered p.1']);
});

test('an entry that failed after it was told stored is revoked', () => {
  const failed = { at: 9, promise: 'acked', code: 'hub-lost' } as const;
  expect(judged(held(1), { stories: [story(1, { failed })] })).toEqual(['revoked p.1']);
});

test('an entry that failed for good must not arrive, and one with an unknown outcome may', () => {
  const failed = (code: string): Partial<Story> => ({ failed: { at: 9, promise: 'stored', code } });
  const stories = [unstored(1, failed('queue-full')), unstored(2, failed('hub-lost'))];
  expect(judged(held(1, 2), { stories })).toEqual(['undead p.1']);
  expect(judged(held(), { stories })).toEqual([]);
});

test('a record with a hole, or one that began anew, is found', () => {
  expect(judged(held(1, 2, 3).toSpliced(1, 1), {})).toEqual(['history p.3']);
  const other = held(1, 2);
  other[1] = { ...other[1]!, epoch: 'f' };
  expect(judged(other, {})).toEqual(['history p.2']);
});

test('a subscriber that saw a hole, a repetition or another message is found', () => {
  const record = held(1, 2, 3);
  const see = (...sights: View['sights']): string[] => judged(record, { views: [view(sights)] });
  expect(see(message(1, 1), message(2, 2), message(3, 3))).toEqual([]);
  expect(see(message(2, 2), message(3, 3))).toEqual([]);
  expect(see(message(1, 1), message(3, 3))).toEqual(['view p.3']);
  expect(see(message(1, 1), message(1, 1))).toEqual(['view p.1']);
  expect(see(message(1, 1), message(2, 3))).toEqual(['view p.3']);
});

test('a subscriber that was told of a gap goes on behind it', () => {
  const gap = { kind: 'gap', epoch: 'e', offset: 2, text: 'slow-tab' } as const;
  const views = [view([message(1, 1), gap, message(3, 3)])];
  expect(judged(held(1, 2, 3), { views })).toEqual([]);
});

test('a subscriber that lived to the end and did not see all is found', () => {
  const survivors = new Set(['viewer']);
  const see = (...sights: View['sights']): string[] =>
    judged(held(1, 2), { views: [view(sights)], survivors });
  expect(see(message(1, 1), message(2, 2))).toEqual([]);
  expect(see(message(1, 1))).toEqual(['view null']);
  expect(see()).toEqual(['view null']);
  expect(judged(held(1), { survivors })).toEqual(['view null']);
});

test('a stored cursor that skips what nobody has seen is found, unless there was no store', () => {
  const cursorTopics = ['news'];
  const see = (...views: View[]): string[] => judged(held(1, 2, 3, 4), { views, cursorTopics });
  const before = view([message(1, 1), message(2, 2)]);
  expect(see(before, view([message(2, 2), message(3, 3)]))).toEqual([]);
  expect(see(before, view([message(3, 3)]))).toEqual([]);
  expect(see(before, view([message(4, 4)]))).toEqual(['cursor p.4']);
  expect(see(before, { ...view([message(4, 4)]), beganWith: 'memory' })).toEqual([]);
});

const large = (n: number, problem: string | null = null, form: LargeForm = 'blob'): Held => ({
  epoch: 'e',
  offset: n,
  entry: entryName('p', n),
  large: { form, bytes: 70_000, problem },
});

test('a large entry is judged like any other, and what waits behind it must not overtake it', () => {
  const stories = [1, 2, 3].map((n) => story(n, n === 2 ? { large: { form: 'blob', bytes: 70_000 } } : {}));
  const [first, third] = held(1, 3);
  expect(judged([first!, large(2), { ...third!, offset: 3 }], { stories })).toEqual([]);
  expect(judged(held(1, 3), { stories })).toEqual(['lost p.2']);
  expect(judged([first!, third!, { ...large(2), offset: 3 }], { stories })).toEqual(['disordered p.2']);
  expect(judged([first!, large(2), { ...large(2), offset: 3 }], { stories: [] })).toEqual(['doubled p.2']);
});

test('a large content that is not what was published is damaged, told stored or not', () => {
  const stories = [unstored(1, { large: { form: 'blob', bytes: 70_000 } })];
  expect(judged([large(1)], { stories })).toEqual([]);
  expect(judged([large(1, 'one byte is wrong')], { stories })).toEqual(['damaged p.1']);
  expect(judged([large(1, null, 'bytes')], { stories })).toEqual(['damaged p.1']);
  expect(judged(held(1), { stories })).toEqual(['damaged p.1']);
  expect(judged([large(1)], { stories: [story(1)] })).toEqual(['damaged p.1']);
});

test('a large content that a subscriber read otherwise is damaged', () => {
  const damages = [
    { producer: 'viewer', topic: 'news', offset: 1, entry: 'p.1', problem: 'one byte is wrong' },
  ];
  expect(judged([large(1)], { damages })).toEqual(['damaged p.1']);
});

test('a content with a wrong byte, a wrong length, another form or parts of another one is found', () => {
  const text = largeTexts.make('p.1', 'blob', 100_000);
  const check = (other: string, form: LargeForm = 'blob'): string | null =>
    largeTexts.check(form, other).problem;
  const chunk = (from: string, index: number): string => from.slice(index * 10_000, (index + 1) * 10_000);
  expect(largeTexts.check('blob', text)).toEqual({ entry: 'p.1', problem: null });
  expect(check(text, 'bytes')).toBe('blob came as bytes');
  expect(check(text.slice(0, -1))).toBe('99999 characters came of 100000');
  expect(check(text.slice(1))).not.toBe(null);
  expect(check(`${text.slice(0, 50_000)}y${text.slice(50_001)}`)).toBe(
    'the content differs from character 50000 on',
  );
  expect(check(text.replace(chunk(text, 2), chunk(text, 3)))).toMatch(/^the content differs/);
  expect(check(text.replace(chunk(text, 2), chunk(largeTexts.make('p.2', 'blob', 100_000), 2)))).toMatch(
    /^the content differs/,
  );
  expect(check('')).not.toBe(null);
});

test('a seed gives the same large entries again, of all forms and sizes, and rarer ones in a long run', () => {
  const plan = planLarges(1, 0, 30);
  expect(planLarges(1, 0, 30)).toEqual(plan);
  expect(planLarges(1, 1, 30)).not.toEqual(plan);
  expect(planLarges(2, 0, 30)).not.toEqual(plan);
  expect(new Set(plan.map(({ form }) => form)).size).toBe(3);
  const lengths = plan.map(({ length }) => length);
  expect(Math.min(...lengths)).toBeGreaterThanOrEqual(chaosLimits.largeLength[0]);
  expect(Math.max(...lengths)).toBeLessThanOrEqual(chaosLimits.largeLength[1]);
  expect(plan.every(({ after }) => after <= chaosLimits.largeEvery[1])).toBe(true);
  const entries = (minutes: number): number =>
    planLarges(1, 0, minutes).reduce((sum, { after }) => sum + after, 0);
  expect(entries(600) / entries(60)).toBeCloseTo(10, 0);
});

test('a seed gives the same faults again, and another seed gives others', () => {
  const faults = (seed: number, pace = shortPace): string => {
    const lane = planLane(seed, 'browser', pace, new Set(faultKinds));
    return JSON.stringify(Array.from({ length: 50 }, () => lane.next().value));
  };
  expect(faults(1)).toBe(faults(1));
  expect(faults(1)).not.toBe(faults(2));
  expect(faults(1)).not.toBe(faults(1, longPace));
});

for (const browser of browserNames) {
  for (const host of chaosHosts) {
    test(`nothing is planned that cannot be broken: ${browser}, ${host}`, () => {
      const kinds = kindsOf({ browser, host });
      const planned = lanes.flatMap((lane) => {
        const plan = planLane(1, lane, shortPace, kinds);
        return Array.from({ length: 50 }, () => plan.next().value?.kind ?? null);
      });
      const without = kinds.has('fill-disk') ? [] : [null];
      expect(new Set(planned)).toEqual(new Set([...kinds, ...without]));
    });
  }
}

test('a leader stays frozen for as long at every pace', () => {
  const frozen = (pace: Pace): number[] => {
    const plan = planLane(1, 'browser', pace, new Set(['freeze-leader']));
    return Array.from({ length: 20 }, () => plan.next().value!.holdMs);
  };
  expect(frozen(shortPace)).toEqual(frozen(longPace));
  expect(Math.max(...frozen(shortPace))).toBeGreaterThan(chaosLimits.stealMsMax);
});
