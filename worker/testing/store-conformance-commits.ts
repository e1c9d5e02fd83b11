import type { StoreChange } from '../core/store-types.ts';
import {
  during,
  failure,
  manyFailures,
  manyTabs,
  ok,
  open,
  same,
  storeEntries,
  storeEntry,
  type StoreConformanceCase,
} from './store-conformance-kit.ts';

/** What a commit does to the entries. */
export const commitCases: readonly StoreConformanceCase[] = [
  {
    name: 'settles commits in the order in which they were made, those that write nothing at once included',
    run: async (newStore) => {
      const { commit, store } = await open(newStore);
      const order: number[] = [];
      const changes: Partial<StoreChange>[] = [
        { entries: [storeEntry(1)] },
        { acked: 1 },
        { entries: [storeEntry(2)] },
        { cursors: [['topic', { epoch: 'e', offset: 1 }]] },
        { removed: [2] },
        { acked: 2 },
      ];
      await Promise.all(changes.map((parts, index) => commit(parts).then(() => order.push(index))));
      same(order, [0, 1, 2, 3, 4, 5], 'order');
      await store.close();
    },
  },
  {
    name: 'writes what it was told before it closes, also what may be written late',
    run: async (newStore) => {
      await during(newStore, async ({ commit }) => {
        void commit({ entries: storeEntries(1, 5) });
        void commit({ acked: 2 });
        void commit({ cursors: [['topic', { epoch: 'e', offset: 7 }]] });
      });
      const { seqs, acked, cursors } = await open(newStore);
      same([seqs, acked], [[3, 4, 5], 2], 'entries and acknowledgement');
      same(cursors, [['topic', { epoch: 'e', offset: 7 }]], 'cursors');
    },
  },
  {
    name: 'keeps large commits whole and in order',
    run: async (newStore) => {
      await during(newStore, async ({ commit }) => {
        await commit({ entries: storeEntries(1, 2500) });
        await commit({
          entries: [storeEntry(3000, `"${'x'.repeat(3_000_000)}"`), ...storeEntries(3001, 3002)],
        });
      });
      const { entries } = await open(newStore);
      same(entries.length, 2503, 'number of entries');
      ok(
        entries.every(({ seq }, index) => index === 0 || seq > entries[index - 1]!.seq),
        'sequences ascend',
      );
      same(entries[2500]!.json!.length, 3_000_002, 'length of a large payload');
    },
  },
  {
    name: 'forgets what is acknowledged, whether or not the commits are acknowledged as a whole',
    run: async (newStore) => {
      await during(newStore, async ({ commit }) => {
        await commit({ entries: storeEntries(1, 4) });
        await commit({ entries: storeEntries(5, 8) });
        await commit({ entries: storeEntries(9, 12) });
        await commit({ acked: 6 });
      });
      await during(newStore, async ({ seqs, acked, commit }) => {
        same([seqs, acked], [[7, 8, 9, 10, 11, 12], 6], 'after the first');
        await commit({ acked: 8 });
        await commit({ acked: 3 });
      });
      await during(newStore, async ({ seqs, acked, commit }) => {
        same([seqs, acked], [[9, 10, 11, 12], 8], 'after the second');
        await commit({ acked: 50 });
      });
      const { seqs, acked } = await open(newStore);
      same([seqs, acked], [[], 50], 'after the third');
    },
  },
  {
    name: 'takes removed entries out of the middle, the beginning and the end of commits, and whole ones',
    run: async (newStore) => {
      await during(newStore, async ({ commit }) => {
        await commit({ entries: storeEntries(1, 5) });
        await commit({ entries: storeEntries(6, 7) });
        await commit({ entries: [storeEntry(8)] });
        await commit({ entries: storeEntries(9, 12) });
        await commit({ removed: [3, 6, 7, 9, 99] });
        await Promise.all([commit({ removed: [1, 5, 8] }), commit({ removed: [12] })]);
      });
      await during(newStore, async ({ seqs, commit }) => {
        same(seqs, [2, 4, 10, 11], 'entries');
        await commit({ removed: [2, 10], acked: 4 });
      });
      same((await open(newStore)).seqs, [11], 'entries after another opening');
    },
  },
  {
    name: 'does not bring back an entry that was removed while its commit was under way',
    run: async (newStore) => {
      await during(newStore, async ({ commit }) => {
        void commit({ entries: storeEntries(1, 3) });
        void commit({ entries: storeEntries(4, 6) });
        void commit({ removed: [2, 5], failures: [failure(2), failure(5)] });
        await commit({ entries: [storeEntry(7)], removed: [7] });
      });
      const { seqs, failures, lastSeq } = await open(newStore);
      same([seqs, failures.length], [[1, 3, 4, 6], 2], 'entries and failures');
      ok(lastSeq >= 7, 'a removed sequence is not given again');
    },
  },
];

/** What else a store remembers. */
export const memoryCases: readonly StoreConformanceCase[] = [
  {
    name: 'remembers the last tab sequence of each tab, the one heard from last at the end',
    run: async (newStore) => {
      await during(newStore, async ({ commit }) => {
        await commit({
          tabSeqs: [
            ['a', 1],
            ['b', 5],
          ],
        });
        await commit({ tabSeqs: [['c', 1]] });
        await commit({ tabSeqs: [['a', 2]] });
      });
      await during(newStore, async ({ tabSeqs, commit }) => {
        same(
          tabSeqs,
          [
            ['b', 5],
            ['c', 1],
            ['a', 2],
          ],
          'tab sequences',
        );
        await commit({ tabSeqs: [['b', 6]] });
      });
      same(
        (await open(newStore)).tabSeqs,
        [
          ['c', 1],
          ['a', 2],
          ['b', 6],
        ],
        'after another opening',
      );
    },
  },
  {
    name: 'remembers a bounded number of tabs: those heard from last',
    run: async (newStore) => {
      const tab = (index: number) => [`tab-${index}`, index] as const;
      await during(newStore, async ({ commit }) => {
        await commit({ tabSeqs: Array.from({ length: manyTabs }, (_, index) => tab(index)) });
        await commit({ tabSeqs: [tab(manyTabs), tab(0)] });
      });
      const { tabSeqs } = await open(newStore);
      same(tabSeqs.length, manyTabs, 'number of tabs');
      same([tabSeqs[0], ...tabSeqs.slice(-2)], [tab(2), tab(manyTabs), tab(0)], 'oldest and newest');
    },
  },
  {
    name: 'remembers a bounded number of failures: the newest, oldest first',
    run: async (newStore) => {
      const third = manyFailures / 2 - 1000;
      await during(newStore, async ({ commit }) => {
        for (const from of [0, third, 2 * third]) {
          await commit({ failures: Array.from({ length: third }, (_, index) => failure(from + index)) });
        }
      });
      const { failures } = await open(newStore);
      same(failures.length, manyFailures, 'number of failures');
      same(
        [failures[0]!.tabSeq, failures.at(-1)!.tabSeq],
        [3 * third - manyFailures, 3 * third - 1],
        'which',
      );
    },
  },
  {
    name: 'keeps the newest cursor of each topic, and the newest owner',
    run: async (newStore) => {
      const at = (offset: number) => ({ epoch: 'e', offset });
      await during(newStore, async ({ commit }) => {
        await commit({
          cursors: [
            ['a', at(1)],
            ['b', at(1)],
          ],
          owner: 'ann',
        });
        await commit({ cursors: [['a', at(2)]] });
        await commit({ owner: 'bob' });
      });
      const { cursors, owner } = await open(newStore);
      same(
        [cursors.toSorted(([a], [b]) => (a < b ? -1 : 1)), owner],
        [
          [
            ['a', at(2)],
            ['b', at(1)],
          ],
          'bob',
        ],
        'all',
      );
    },
  },
  {
    name: 'purges entries, failures and cursors before what else the commit says; tab sequences stay',
    run: async (newStore) => {
      await during(newStore, async ({ commit }) => {
        const cursors = [['a', { epoch: 'e', offset: 1 }]] as const;
        await commit({ entries: storeEntries(1, 3), tabSeqs: [['a', 3]], failures: [failure(9)], cursors });
        void commit({ entries: storeEntries(4, 5), tabSeqs: [['a', 5]] });
        void commit({ purge: true, entries: [storeEntry(6)], tabSeqs: [['a', 6]], failures: [failure(8)] });
        await commit({ entries: [storeEntry(7)] });
      });
      const { seqs, tabSeqs, failures, cursors } = await open(newStore);
      same([seqs, tabSeqs, cursors], [[6, 7], [['a', 6]], []], 'what is left');
      same(
        failures.map(({ tabSeq }) => tabSeq),
        [8],
        'failures',
      );
    },
  },
];
