import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { historyReliefShare } from './limits.ts';
import { encodeMessage } from './topic-history.ts';
import { TopicStore } from './topic-store.ts';

const all = { maxMessages: 1000, maxBytes: 1e9 };
const frameBytes = 1000;
let epochs = 0;

/** A store of at most `total` bytes, in which every message takes {@link frameBytes}. */
function storeOf(total: number) {
  const bounds = { topics: 100, historyMessages: 1000, historyBytes: 1e6, totalHistoryBytes: total };
  const store = new TopicStore(bounds, () => `e${++epochs}`);
  const append = (name: string, bytes = frameBytes) => {
    const topic = store.use(name)!;
    const { epoch } = topic.history;
    const head = {
      type: 'message',
      id: 'i',
      ts: 1,
      topic: name,
      epoch,
      offset: topic.history.head().offset + 1,
    };
    const padding = bytes - JSON.stringify({ ...head, payload: '' }).length;
    const { offset } = head;
    store.append(
      topic,
      encodeMessage({ topic: name, epoch, offset, id: 'i', ts: 1 }, JSON.stringify('x'.repeat(padding))),
    );
    return offset;
  };
  const watch = (name: string) => store.watch(store.use(name)!, () => undefined);
  const counts = (...names: string[]) =>
    names.map((name) => store.get(name)?.history.read(0, all).messages.length);
  return { store, append, watch, counts };
}

describe('too many bytes in all', () => {
  it('make the topic unused for longest lose its history, and no more than needed', () => {
    const { append, counts } = storeOf(5 * frameBytes);
    for (const name of ['a', 'b', 'c', 'a', 'b']) append(name);
    append('d');
    expect(counts('a', 'b', 'c', 'd')).toEqual([2, 2, undefined, 1]);
    append('d');
    expect(counts('a', 'b', 'c', 'd')).toEqual([undefined, 2, undefined, 2]);
  });

  it('give a topic that is made again a new epoch', () => {
    const { store, append } = storeOf(2 * frameBytes);
    append('a');
    const { epoch } = store.get('a')!.history;
    for (const name of ['b', 'c', 'a']) append(name);
    expect(store.get('a')!.history.head()).toMatchObject({ offset: 1 });
    expect(store.get('a')!.history.epoch).not.toBe(epoch);
  });

  it('spare a watched topic while another can go, and take it once nobody watches it', () => {
    const { append, watch, counts } = storeOf(3 * frameBytes);
    const stop = watch('a');
    for (const name of ['a', 'b', 'c', 'd']) append(name);
    expect(counts('a', 'b', 'c', 'd')).toEqual([1, undefined, 1, 1]);
    stop();
    for (const name of ['e', 'f', 'g']) append(name);
    expect(counts('a', 'e', 'f', 'g')).toEqual([undefined, 1, 1, 1]);
  });

  it('then cost the largest histories their oldest messages', () => {
    const { store, append, watch, counts } = storeOf(16 * frameBytes);
    for (const name of ['big', 'large', 'small']) watch(name);
    for (const [name, count] of [
      ['small', 2],
      ['large', 6],
      ['big', 8],
    ] as const) {
      for (let index = 0; index < count; index++) append(name);
    }
    expect(counts('big', 'large', 'small')).toEqual([8, 6, 2]);
    append('small');
    // A sixteenth is freed at once: 15 messages are left room for, and 3 of them are small's.
    expect(counts('big', 'large', 'small')).toEqual([6, 6, 3]);
    expect(store.get('big')!.history.head()).toMatchObject({ oldest: 3, offset: 8 });
  });

  it('never cost the message that was just appended, alone or among others', () => {
    const { append, watch, counts } = storeOf(3 * frameBytes);
    watch('a');
    watch('b');
    append('a');
    append('b', 5 * frameBytes);
    expect(counts('a', 'b')).toEqual([1, 1]);
    append('a', 4 * frameBytes);
    expect(counts('a', 'b')).toEqual([1, 0]);
  });

  it('stay within the bound whatever is published and watched', () => {
    const names = fc.constantFrom('a', 'b', 'c', 'd', 'e');
    const command = fc.oneof(
      { weight: 5, arbitrary: fc.record({ name: names, bytes: fc.integer({ min: 100, max: 2000 }) }) },
      { weight: 1, arbitrary: fc.record({ name: names }) },
    );
    const total = 10_000;
    const run = (commands: readonly { readonly name: string; readonly bytes?: number }[]) => {
      const { store, append, watch } = storeOf(total);
      const stops = new Map<string, () => void>();
      for (const { name, bytes } of commands) {
        if (bytes === undefined) {
          const stop = stops.get(name);
          stop?.();
          if (stop) stops.delete(name);
          else stops.set(name, watch(name));
          continue;
        }
        const offset = append(name, bytes);
        expect(store.get(name)!.history.read(offset - 1, all).messages.length).toBe(1);
        let sum = 0;
        for (const known of 'abcde') {
          const slice = store.get(known)?.history.read(0, all);
          expect(slice !== undefined || !stops.has(known)).toBe(true);
          sum += slice?.messages.reduce((bytesSoFar, message) => bytesSoFar + message.bytes, 0) ?? 0;
          expect(slice?.messages.map((message) => message.offset)).toEqual(
            slice &&
              Array.from({ length: slice.offset - slice.oldest + 1 }, (_, index) => slice.oldest + index),
          );
        }
        // The message just appended may exceed its share of what is left after a cut.
        expect(sum).toBeLessThanOrEqual(Math.max(total, total * (1 - historyReliefShare) + bytes));
      }
    };
    fc.assert(fc.property(fc.array(command, { maxLength: 60 }), run));
  });
});
