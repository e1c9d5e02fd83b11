/** What every backbone must do, as cases that any test runner can run. */
import { deepEqual, equal, notEqual, ok } from 'node:assert/strict';
import * as protocolLimits from '../src/protocol/limits.ts';
import type { Backbone, LargePayload, Publication } from './backbone.ts';

/** One rule. */
export interface ConformanceCase {
  /** A sentence in the present tense. */
  readonly name: string;
  readonly run: (backbone: Backbone) => Promise<void>;
}

const bounds = { maxMessages: 100, maxBytes: 1_000_000 };

const message = (topic: string, id: string, payload = '1'): Publication => ({ topic, id, ts: 5, payload });

/** A large payload of two chunks and a bit, each byte of which says where it is. */
export function largePayload(id: string, form: LargePayload['form'] = 'bytes'): LargePayload {
  const { chunkBytes } = protocolLimits;
  const part = (length: number, index: number) => new Uint8Array(length).map((_, at) => at + index);
  const parts = [chunkBytes, chunkBytes, 7].map(part);
  return { id, size: 2 * chunkBytes + 7, form, ...(form === 'blob' && { mime: 'text/css' }), parts };
}

async function publishMany(backbone: Backbone, topic: string, count: number): Promise<void> {
  for (let index = 1; index <= count; index++)
    await backbone.publish(message(topic, `m${index}`, String(index)));
}

async function open(backbone: Backbone, key: string, epoch = 1, acked = 0) {
  const result = await backbone.openClient({ key, epoch, acked });
  ok(result.kind === 'open', `openClient answered ${result.kind}`);
  return result;
}

const historyCases: readonly ConformanceCase[] = [
  {
    name: 'numbers the messages of a topic from 1, within one epoch',
    run: async (backbone) => {
      const first = await backbone.publish(message('t', 'a'));
      const second = await backbone.publish(message('t', 'b'));
      ok(first.kind === 'published' && second.kind === 'published');
      deepEqual([first.offset, second.offset], [1, 2]);
      equal(first.epoch, second.epoch);
      ok(first.epoch.length > 0 && first.epoch.length <= 64);
    },
  },
  {
    name: 'gives every topic an epoch of its own',
    run: async (backbone) => {
      const a = await backbone.publish(message('a', '1'));
      const b = await backbone.publish(message('b', '1'));
      ok(a.kind === 'published' && b.kind === 'published');
      notEqual(a.epoch, b.epoch);
    },
  },
  {
    name: 'keeps whole message envelopes',
    run: async (backbone) => {
      await backbone.publish(message('t', 'text', '{"a":1}'));
      await backbone.publish({ topic: 't', id: 'bytes', ts: 6, payload: new Uint8Array([1, 2]) });
      const { epoch, messages } = await backbone.read('t', 0, bounds);
      const [text, binary] = messages;
      const head = { type: 'message', id: 'text', ts: 5, topic: 't', epoch, offset: 1 };
      deepEqual(JSON.parse(text!.frame as string), { ...head, payload: { a: 1 } });
      equal(text!.bytes, Buffer.byteLength(text!.frame as string));
      const frame = binary!.frame as Uint8Array;
      deepEqual([frame[0], ...frame.subarray(-2)], [1, 1, 2]);
      equal(binary!.bytes, frame.byteLength);
    },
  },
  {
    name: 'keeps the parts of a large payload as they are, beside an envelope without them',
    run: async (backbone) => {
      const payload = largePayload('x', 'blob');
      await backbone.publish({ topic: 't', id: 'large', ts: 5, payload });
      await backbone.publish({ topic: 't', id: 'empty', ts: 5, payload: { ...payload, size: 0, parts: [] } });
      await backbone.publish(message('t', 'small', '{"transfer":{"id":"no"}}'));
      const { epoch, messages } = await backbone.read('t', 0, bounds);
      const [large, empty, small] = messages;
      const transfer = { id: 'x', size: payload.size, form: 'blob', mime: 'text/css', at: 0 };
      const head = { type: 'message', id: 'large', ts: 5, topic: 't', epoch, offset: 1, payload: null };
      deepEqual(JSON.parse(large!.frame as string), { ...head, transfer });
      deepEqual({ ...large!.large }, payload);
      equal(large!.bytes, Buffer.byteLength(large!.frame as string) + payload.size);
      deepEqual([empty!.large?.size, empty!.large?.parts], [0, []]);
      equal(small!.large, undefined);
    },
  },
  {
    name: 'reads a large message alone, where it is beyond the bounds',
    run: async (backbone) => {
      await backbone.publish({ topic: 't', id: 'a', ts: 5, payload: largePayload('x') });
      await backbone.publish(message('t', 'b'));
      const slice = await backbone.read('t', 0, { maxMessages: 100, maxBytes: 1000 });
      deepEqual(
        slice.messages.map(({ offset, large }) => [offset, large?.id]),
        [[1, 'x']],
      );
    },
  },
  {
    name: 'reads what follows an offset, oldest first, within the bounds',
    run: async (backbone) => {
      await publishMany(backbone, 't', 8);
      const offsets = async (after: number, maxMessages: number, maxBytes: number) =>
        (await backbone.read('t', after, { maxMessages, maxBytes })).messages.map(({ offset }) => offset);
      deepEqual(await offsets(0, 100, 1_000_000), [1, 2, 3, 4, 5, 6, 7, 8]);
      deepEqual(await offsets(5, 100, 1_000_000), [6, 7, 8]);
      deepEqual(await offsets(2, 3, 1_000_000), [3, 4, 5]);
      deepEqual(await offsets(2, 100, 1), [3]);
      deepEqual(await offsets(8, 100, 1_000_000), []);
    },
  },
  {
    name: 'forgets the oldest messages, and says which is the oldest',
    run: async (backbone) => {
      await publishMany(backbone, 't', 25);
      const slice = await backbone.read('t', 3, bounds);
      deepEqual([slice.oldest, slice.offset, slice.messages[0]!.offset], [16, 25, 16]);
      equal(slice.messages.length, 10);
      const { epoch, oldest, offset } = await backbone.head('t');
      deepEqual([epoch, oldest, offset], [slice.epoch, 16, 25]);
    },
  },
  {
    name: 'tells every watcher of every message, until it stops',
    run: async (backbone) => {
      const seen: [string, number][] = [];
      const first = await backbone.watch('t', (_epoch, offset) => seen.push(['first', offset]));
      const second = await backbone.watch('t', (_epoch, offset) => seen.push(['second', offset]));
      ok(first.kind === 'watching' && second.kind === 'watching');
      const { epoch } = await backbone.head('t');
      const published = await backbone.publish(message('t', '1'));
      ok(published.kind === 'published');
      equal(published.epoch, epoch);
      first.stop();
      first.stop();
      await backbone.publish(message('t', '2'));
      await backbone.publish(message('other', '1'));
      deepEqual(seen.toSorted(), [
        ['first', 1],
        ['second', 1],
        ['second', 2],
      ]);
      second.stop();
    },
  },
];

const clientCases: readonly ConformanceCase[] = [
  {
    name: 'knows nothing of a new client',
    run: async (backbone) => {
      const { lastSeq, refusals } = await open(backbone, 'k');
      deepEqual({ lastSeq, refusals }, { lastSeq: 0, refusals: [] });
    },
  },
  {
    name: 'takes every sequence above the last one, with or without holes, and no other',
    run: async (backbone) => {
      const { lease } = await open(backbone, 'k');
      const kinds = [];
      for (const seq of [1, 2, 2, 1, 40, 39, 40, 41]) {
        kinds.push(
          (await backbone.publish({ ...message('t', `m${seq}`), client: { key: 'k', lease, seq } })).kind,
        );
      }
      const [taken, skipped] = ['published', 'duplicate'];
      deepEqual(kinds, [taken, taken, skipped, skipped, taken, skipped, skipped, taken]);
      equal((await backbone.head('t')).offset, 4);
      equal((await open(backbone, 'k')).lastSeq, 41);
    },
  },
  {
    name: 'takes an acknowledgement above its own memory for the truth',
    run: async (backbone) => {
      const { lease } = await open(backbone, 'k');
      await backbone.publish({ ...message('t', 'a'), client: { key: 'k', lease, seq: 1 } });
      const again = await open(backbone, 'k', 1, 9);
      equal(again.lastSeq, 9);
      const client = { key: 'k', lease: again.lease, seq: 10 };
      equal((await backbone.publish({ ...message('t', 'b'), client })).kind, 'published');
    },
  },
  {
    name: 'takes calls in the order in which they were made, without waiting for answers',
    run: async (backbone) => {
      const { lease } = await open(backbone, 'k');
      const refusal = { code: 'no', message: 'no' };
      const results = await Promise.all([
        backbone.publish({ ...message('t', 'a'), client: { key: 'k', lease, seq: 1 } }),
        backbone.recordRefusal({ key: 'k', lease, seq: 2 }, refusal),
        backbone.publish({ ...message('t', 'c'), client: { key: 'k', lease, seq: 3 } }),
      ]);
      deepEqual(
        results.map(({ kind }) => kind),
        ['published', 'recorded', 'published'],
      );
    },
  },
  {
    name: 'fences a client that has been opened again',
    run: async (backbone) => {
      const zombie = await open(backbone, 'k', 1);
      const current = await open(backbone, 'k', 1);
      ok(current.lease > zombie.lease);
      const client = { key: 'k', lease: zombie.lease, seq: 1 };
      equal((await backbone.publish({ ...message('t', 'a'), client })).kind, 'fenced');
      equal((await backbone.recordRefusal(client, { code: 'no', message: 'no' })).kind, 'fenced');
      await backbone.closeClient('k', zombie.lease);
      const live = { key: 'k', lease: current.lease, seq: 1 };
      equal((await backbone.publish({ ...message('t', 'b'), client: live })).kind, 'published');
    },
  },
  {
    name: 'refuses an older epoch, and keeps the newer opening',
    run: async (backbone) => {
      const { lease } = await open(backbone, 'k', 5);
      deepEqual(await backbone.openClient({ key: 'k', epoch: 4, acked: 0 }), { kind: 'stale', epoch: 5 });
      equal(
        (await backbone.publish({ ...message('t', 'a'), client: { key: 'k', lease, seq: 1 } })).kind,
        'published',
      );
      await backbone.closeClient('k', lease);
      equal((await backbone.openClient({ key: 'k', epoch: 4, acked: 0 })).kind, 'stale');
    },
  },
  {
    name: 'remembers refusals as handled until they are acknowledged',
    run: async (backbone) => {
      const { lease } = await open(backbone, 'k');
      const refusal = { code: 'no', message: 'because', retryable: true };
      for (const seq of [1, 2, 3]) await backbone.recordRefusal({ key: 'k', lease, seq }, refusal);
      equal((await backbone.recordRefusal({ key: 'k', lease, seq: 2 }, refusal)).kind, 'duplicate');
      await backbone.closeClient('k', lease);
      const again = await open(backbone, 'k', 2, 1);
      equal(again.lastSeq, 3);
      deepEqual(
        again.refusals,
        [2, 3].map((seq) => ({ seq, ...refusal })),
      );
      deepEqual((await open(backbone, 'k', 2, 3)).refusals, []);
    },
  },
  {
    name: 'keeps the clients of different keys apart',
    run: async (backbone) => {
      const a = await open(backbone, 'a', 9);
      const b = await open(backbone, 'b', 1);
      for (const [key, { lease }] of [
        ['a', a],
        ['b', b],
      ] as const) {
        const client = { key, lease, seq: 1 };
        equal((await backbone.publish({ ...message('t', key), client })).kind, 'published');
      }
    },
  },
];

/** The rules of {@link Backbone}; each wants a backbone of its own whose topics keep 10 messages. */
export const backboneConformance: readonly ConformanceCase[] = [...historyCases, ...clientCases];
