import { expect, test } from '@playwright/test';
import { judge, type Finding, type Told } from './judge.ts';
import { planLane, shortPace, longPace } from './schedule.ts';
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

test('a seed gives the same faults again, and another seed gives others', () => {
  const faults = (seed: number, pace = shortPace): string => {
    const lane = planLane(seed, 'browser', pace);
    return JSON.stringify(Array.from({ length: 50 }, () => lane.next().value));
  };
  expect(faults(1)).toBe(faults(1));
  expect(faults(1)).not.toBe(faults(2));
  expect(faults(1)).not.toBe(faults(1, longPace));
});
