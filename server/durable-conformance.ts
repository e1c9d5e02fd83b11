/** What a backbone must do that keeps its state over restarts, or can fail, as cases that any test runner can run. */
import { deepEqual, equal, ok, rejects } from 'node:assert/strict';
import type { Backbone, Publication } from './backbone.ts';
import { largePayload } from './backbone-conformance.ts';

/** A backbone that can be ended and opened again with the same state. */
export interface Reopening {
  readonly backbone: Backbone;
  reopen(): Promise<Backbone>;
}

/** A backbone that can be made to fail. */
export interface Failing extends Reopening {
  /** The next change fails: without an effect, or with its effect in place and only its answer lost. */
  failNext(effect: 'none' | 'done'): void;
}

/** A rule for backbones with the ability `A`. */
export interface AbilityCase<A> {
  /** A sentence in the present tense. */
  readonly name: string;
  readonly run: (ability: A) => Promise<void>;
}

const all = { maxMessages: 100, maxBytes: 1_000_000 };
const refusal = { code: 'no', message: 'because' };

const message = (id: string, client?: Publication['client'], topic = 't'): Publication => ({
  topic,
  id,
  ts: 5,
  payload: JSON.stringify(id),
  ...(client && { client }),
});

async function open(backbone: Backbone, epoch = 1, acked = 0) {
  const result = await backbone.openClient({ key: 'k', epoch, acked });
  ok(result.kind === 'open', `openClient answered ${result.kind}`);
  return result;
}

async function idsIn(backbone: Backbone, topic = 't'): Promise<string[]> {
  const { messages } = await backbone.read(topic, 0, all);
  return messages.map(({ frame }) => (JSON.parse(frame as string) as { id: string }).id);
}

/** The rules of a backbone whose state outlives it; each wants one of its own whose topics keep 10 messages. */
export const reopeningConformance: readonly AbilityCase<Reopening>[] = [
  {
    name: 'goes on with the same epochs and offsets',
    run: async ({ backbone, reopen }) => {
      for (const id of ['a', 'b']) await backbone.publish(message(id));
      await backbone.publish({ ...message('c'), payload: new Uint8Array([7, 0]) });
      const before = await backbone.read('t', 0, all);
      const again = await reopen();
      deepEqual(await again.read('t', 0, all), before);
      const next = await again.publish(message('d'));
      deepEqual(next, { kind: 'published', epoch: before.epoch, offset: 4 });
    },
  },
  {
    name: 'goes on with large messages, and forgets their parts with them',
    run: async ({ backbone, reopen }) => {
      for (const id of ['a', 'b'])
        await backbone.publish({ ...message(id), payload: largePayload(id, 'blob') });
      await backbone.publish({ ...message('c'), payload: { ...largePayload('c'), size: 0, parts: [] } });
      await backbone.publish(message('text "transfer":{'));
      const before = await backbone.read('t', 0, all);
      const again = await reopen();
      deepEqual(await again.read('t', 0, all), before);
      for (let index = 1; index <= 8; index++) await again.publish(message(`m${index}`));
      const third = await reopen();
      const { oldest, messages } = await third.read('t', 0, { maxMessages: 100, maxBytes: 10_000_000 });
      deepEqual(
        [oldest, messages.map(({ large }) => large?.id).slice(0, 3)],
        [3, ['c', undefined, undefined]],
      );
    },
  },
  {
    name: 'knows the epoch of a topic that was watched and never published to',
    run: async ({ backbone, reopen }) => {
      await backbone.watch('t', () => undefined);
      const { epoch } = await backbone.head('t');
      await backbone.publish(message('a', undefined, 'other'));
      const again = await reopen();
      await again.watch('t', () => undefined);
      equal((await again.head('t')).epoch, epoch);
    },
  },
  {
    name: 'keeps of a long history what it kept before',
    run: async ({ backbone, reopen }) => {
      for (let index = 1; index <= 25; index++) await backbone.publish(message(`m${index}`));
      const again = await reopen();
      const { oldest, offset, messages } = await again.read('t', 0, all);
      deepEqual([oldest, offset, messages.length], [16, 25, 10]);
    },
  },
  {
    name: 'knows what its clients had sent, and what was refused',
    run: async ({ backbone, reopen }) => {
      const { lease } = await open(backbone, 3);
      await backbone.publish(message('a', { key: 'k', lease, seq: 2 }));
      for (const seq of [5, 7]) await backbone.recordRefusal({ key: 'k', lease, seq }, refusal);
      const again = await reopen();
      deepEqual(await again.openClient({ key: 'k', epoch: 2, acked: 0 }), { kind: 'stale', epoch: 3 });
      const opened = await open(again, 3, 5);
      deepEqual([opened.lastSeq, opened.refusals], [7, [{ seq: 7, ...refusal }]]);
      ok(opened.lease > lease, 'leases rise over restarts');
      const client = { key: 'k', lease: opened.lease, seq: 7 };
      equal((await again.publish(message('b', client))).kind, 'duplicate');
      const third = await reopen();
      deepEqual((await open(third, 3, 5)).refusals, [{ seq: 7, ...refusal }]);
      deepEqual((await open(third, 3, 7)).refusals, []);
    },
  },
  {
    name: 'fences after a restart the leases of before',
    run: async ({ backbone, reopen }) => {
      const { lease } = await open(backbone);
      const again = await reopen();
      equal((await again.publish(message('a', { key: 'k', lease, seq: 1 }))).kind, 'fenced');
    },
  },
];

/** The rules of a backbone that can fail; each wants one of its own. */
export const failingConformance: readonly AbilityCase<Failing>[] = (['none', 'done'] as const).flatMap(
  (effect) => [
    {
      name: `takes nothing more of a lease after a rejected publish (effect: ${effect})`,
      run: async ({ backbone, failNext }: Failing) => {
        const { lease } = await open(backbone);
        const client = (seq: number) => ({ key: 'k', lease, seq });
        await backbone.publish(message('a', client(1)));
        failNext(effect);
        const failed = backbone.publish(message('b', client(2)));
        await rejects(async () => failed);
        await rejects(async () => backbone.publish(message('c', client(3))));
        await rejects(async () => backbone.recordRefusal(client(4), refusal));
        // Who comes back is told the truth, and goes on from there.
        const again = await open(backbone);
        equal(again.lastSeq, effect === 'done' ? 2 : 1);
        for (const [index, id] of ['b', 'c'].entries())
          await backbone.publish(message(id, { key: 'k', lease: again.lease, seq: index + 2 }));
        deepEqual(await idsIn(backbone), ['a', 'b', 'c']);
      },
    },
    {
      name: `takes nothing of a lease that was called before the failure was known (effect: ${effect})`,
      run: async ({ backbone, failNext, reopen }: Failing) => {
        const { lease } = await open(backbone);
        failNext(effect);
        const results = await Promise.allSettled([
          backbone.publish(message('a', { key: 'k', lease, seq: 1 })),
          backbone.recordRefusal({ key: 'k', lease, seq: 2 }, refusal),
          backbone.publish(message('c', { key: 'k', lease, seq: 3 })),
        ]);
        deepEqual(
          results.map(({ status }) => status),
          ['rejected', 'rejected', 'rejected'],
        );
        const later = await reopen();
        const { lastSeq } = await open(later);
        // All of one transaction or nothing, and never a later one without the earlier.
        deepEqual(await idsIn(later), lastSeq === 0 ? [] : lastSeq < 3 ? ['a'] : ['a', 'c']);
      },
    },
    {
      name: `lets the others go on after a failure, with the same in memory as after a restart (effect: ${effect})`,
      run: async ({ backbone, failNext, reopen }: Failing) => {
        const seen: number[] = [];
        await backbone.watch('t', (_epoch, offset) => seen.push(offset));
        await backbone.publish(message('a'));
        failNext(effect);
        await rejects(async () => backbone.publish(message('b')));
        await backbone.publish(message('c'));
        const ids = effect === 'done' ? ['a', 'b', 'c'] : ['a', 'c'];
        deepEqual(await idsIn(backbone), ids);
        deepEqual(
          seen,
          [...ids.keys()].map((index) => index + 1),
        );
        deepEqual(await idsIn(await reopen()), ids);
      },
    },
    {
      name: `rejects the opening of a client that failed, and opens it later (effect: ${effect})`,
      run: async ({ backbone, failNext }: Failing) => {
        failNext(effect);
        await rejects(async () => backbone.openClient({ key: 'k', epoch: 4, acked: 9 }));
        const { lastSeq } = await open(backbone, 4);
        equal(lastSeq, effect === 'done' ? 9 : 0);
      },
    },
  ],
);
