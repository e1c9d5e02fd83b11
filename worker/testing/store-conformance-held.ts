import type { Entry } from '../core/store-types.ts';
import { during, ok, open, same, storeEntry, type StoreConformanceCase } from './store-conformance-kit.ts';

/** A large entry with this text for its content. */
function largeEntry(seq: number, text: string): Entry {
  const { json: _, ...bare } = storeEntry(seq);
  return { ...bare, large: { blob: new Blob([text]), form: 'blob', mime: 'text/x-test' } };
}

const textOf = ({ large }: Entry): Promise<string> => (large!.blob as Blob).text();
const seqsOf = (entries: readonly Entry[]): number[] => entries.map(({ seq }) => seq);

/** What a store does with entries that are held back. */
export const heldCases: readonly StoreConformanceCase[] = [
  {
    name: 'keeps what is held apart from the log, in the order of its sequences and with its contents',
    run: async (newStore) => {
      await during(newStore, async ({ commit }) => {
        await commit({ entries: [storeEntry(1)], held: [largeEntry(2, 'two'), storeEntry(3)] });
        await commit({ entries: [storeEntry(4)], held: [largeEntry(10, 'ten')], heldRemoved: [3] });
      });
      const { held, seqs } = await open(newStore);
      same(
        [seqs, seqsOf(held)],
        [
          [1, 4],
          [2, 10],
        ],
        'log and held',
      );
      same([await textOf(held[0]!), await textOf(held[1]!)], ['two', 'ten'], 'contents');
      same(held[0]!.large!.mime, 'text/x-test', 'media type');
    },
  },
  {
    name: 'moves an entry into the log, where it has its content until it is acknowledged',
    run: async (newStore) => {
      await during(newStore, ({ commit }) => commit({ held: [largeEntry(1, 'one'), storeEntry(2)] }));
      await during(newStore, ({ commit }) => commit({ entries: [largeEntry(3, 'one')], heldRemoved: [1] }));
      await during(newStore, async ({ entries, held, commit }) => {
        same([seqsOf(entries), seqsOf(held)], [[3], [2]], 'log and held');
        same(await textOf(entries[0]!), 'one', 'content');
        await commit({ acked: 3, entries: [storeEntry(4)], heldRemoved: [2] });
      });
      const { seqs, held } = await open(newStore);
      same([seqs, held], [[4], []], 'log and held at the end');
    },
  },
  {
    name: 'writes what was held and let go at once as what it is: nothing',
    run: async (newStore) => {
      await during(newStore, async ({ commit }) => {
        void commit({ held: [storeEntry(1), storeEntry(2)] });
        void commit({ heldRemoved: [1] });
      });
      same(seqsOf((await open(newStore)).held), [2], 'held');
    },
  },
  {
    name: 'forgets what is held when it is emptied',
    run: async (newStore) => {
      await during(newStore, async ({ commit }) => {
        await commit({ held: [largeEntry(1, 'one')] });
        await commit({ purge: true, held: [storeEntry(2)] });
      });
      const { held } = await open(newStore);
      ok(held.length === 1 && held[0]!.seq === 2, 'only what came with it is held');
    },
  },
];
