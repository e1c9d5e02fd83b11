/**
 * What every store of the outbox must do, as cases that any test runner can run: in a browser, in Node, in a simulation.
 * They wait for nothing but what the stores promise. Their sequences are small numbers, below those of an epoch.
 */
import { commitCases, memoryCases } from './store-conformance-commits.ts';
import { heldCases } from './store-conformance-held.ts';
import {
  during,
  epochSequences,
  failure,
  ok,
  open,
  same,
  storeEntries,
  storeEntry,
  type StoreConformanceCase,
} from './store-conformance-kit.ts';

const openingCases: readonly StoreConformanceCase[] = [
  {
    name: 'begins empty, with a random client id, the first epoch, and nothing wrong',
    run: async (newStore) => {
      const { clientId, clientEpoch, lastSeq, acked, entries, tabSeqs, failures, cursors, owner, health } =
        await open(newStore, 'strict');
      ok(clientId.length > 0, 'there is a client id');
      same([clientEpoch, lastSeq, acked, owner], [1, epochSequences, 0, null], 'what it begins with');
      same([entries, tabSeqs, failures, cursors, health], [[], [], [], [], []], 'what it has');
    },
  },
  {
    name: 'keeps its client id, and counts the epoch up at every opening',
    run: async (newStore) => {
      const first = await open(newStore);
      await first.store.close();
      const second = await open(newStore);
      const third = await open(newStore);
      same([second.clientId, third.clientId], [first.clientId, first.clientId], 'client ids');
      same([second.clientEpoch, third.clientEpoch], [2, 3], 'epochs');
      same(third.lastSeq, 3 * epochSequences, 'last sequence');
    },
  },
  {
    name: 'never gives a sequence again, however high it was and whether its entry is left or not',
    run: async (newStore) => {
      const high = 9 * epochSequences;
      await during(newStore, ({ commit }) => commit({ entries: [storeEntry(high)] }));
      await during(newStore, async ({ lastSeq, commit }) => {
        same(lastSeq, high, 'last sequence with the entry');
        await commit({ acked: high });
      });
      same((await open(newStore)).lastSeq, high, 'last sequence without the entry');
    },
  },
  {
    name: 'gives back everything that was committed, with every field as it was',
    run: async (newStore) => {
      const bytes = new Uint8Array([0, 255, 7]).buffer;
      const rich = { ...storeEntry(2), ts: 1.5, expiresAt: 9, coalesceKey: 'k' };
      const { json: _, ...bare } = storeEntry(3);
      await during(newStore, ({ commit }) =>
        commit({
          entries: [storeEntry(1), rich, { ...bare, bytes }],
          tabSeqs: [['tab-a', 3]],
          failures: [failure(4)],
          cursors: [['topic', { epoch: 'e', offset: 8 }]],
          owner: 'ann',
        }),
      );
      const { entries, tabSeqs, failures, cursors, owner } = await open(newStore);
      same(entries.slice(0, 2), [storeEntry(1), rich], 'entries');
      const third = entries[2]!;
      ok(third.bytes instanceof ArrayBuffer && !('json' in third), 'the third entry has bytes');
      same([...new Uint8Array(third.bytes!)], [0, 255, 7], 'bytes');
      same([tabSeqs, failures], [[['tab-a', 3]], [failure(4)]], 'tab sequences and failures');
      same([cursors, owner], [[['topic', { epoch: 'e', offset: 8 }]], 'ann'], 'cursors and owner');
    },
  },
];

const fencingCases: readonly StoreConformanceCase[] = [
  {
    name: 'fences an older opening: what that commits never settles and never takes effect',
    run: async (newStore) => {
      const old = await open(newStore);
      await old.commit({ entries: [storeEntry(1)] });
      const current = await open(newStore);
      same(current.seqs, [1], 'what the newer opening finds');
      let settled = 0;
      const count = () => void settled++;
      void old.commit({ entries: [storeEntry(2)], removed: [1] }).then(count);
      void old.commit({ entries: [storeEntry(3)] }).then(count);
      await old.fenced;
      void old.commit({ purge: true }).then(count);
      void old.commit({ acked: 3 }).then(count);
      await current.commit({ entries: [storeEntry(4)] });
      await old.store.close();
      await current.store.close();
      same((await open(newStore)).seqs, [1, 4], 'what is left');
      same(settled, 0, 'commits of the older opening that settled');
    },
  },
  {
    name: 'has all or nothing of each commit, and no later one without those before, after an abrupt end',
    run: async (newStore) => {
      const abrupt = await open(newStore);
      for (let tabSeq = 1; tabSeq <= 20; tabSeq++) {
        const entries = storeEntries(tabSeq * 10, tabSeq * 10 + 4);
        void abrupt.commit({ entries, tabSeqs: [['tab-a', tabSeq]], failures: [failure(tabSeq)] });
      }
      const { seqs, tabSeqs, failures } = await open(newStore);
      const whole = tabSeqs[0]?.[1] ?? 0;
      const expected = Array.from({ length: whole }, (_, index) => index + 1);
      same(
        seqs,
        expected.flatMap((tabSeq) => [0, 1, 2, 3, 4].map((more) => tabSeq * 10 + more)),
        'entries',
      );
      same(
        failures.map(({ tabSeq }) => tabSeq),
        expected,
        'failures',
      );
    },
  },
  {
    name: 'has what settled, after an abrupt end',
    run: async (newStore) => {
      const abrupt = await open(newStore);
      await abrupt.commit({ entries: storeEntries(1, 3), tabSeqs: [['tab-a', 3]] });
      const { seqs, tabSeqs } = await open(newStore);
      same([seqs, tabSeqs], [[1, 2, 3], [['tab-a', 3]]], 'what is left');
    },
  },
];

/** The rules of an OutboxStore, for stores that outlive their hub. */
export const storeConformance: readonly StoreConformanceCase[] = [
  ...openingCases,
  ...fencingCases,
  ...commitCases,
  ...heldCases,
  ...memoryCases,
];
