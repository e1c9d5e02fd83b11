import { expect, it } from 'vitest';
import { errorData } from '../../src/protocol/errors.ts';
import type { StoreHealth } from '../core/store-types.ts';
import { storeChange, storeEntries } from '../testing/store-conformance-kit.ts';
import { memoryStore } from './memory-store.ts';

async function open(store = memoryStore()) {
  const health: StoreHealth[] = [];
  const onHealth = (told: StoreHealth) => health.push(told);
  return { ...(await store.open({ durability: 'strict', onHealth, onFenced() {} })), store, health };
}

it('is a new outbox at every opening, and says that it is in memory', async () => {
  const { clientId, clientEpoch, lastSeq, entries, health, store } = await open();
  expect({ clientEpoch, lastSeq, entries, health }).toEqual({
    clientEpoch: 1,
    lastSeq: 2 ** 32,
    entries: [],
    health: [{ durability: 'memory', error: null }],
  });
  await store.commit(storeChange({ entries: storeEntries(1, 3) }));
  await store.close();
  expect((await open()).clientId).not.toBe(clientId);
});

it('says why', async () => {
  const error = errorData('storage-failed', 'because');
  expect((await open(memoryStore(error))).health).toEqual([{ durability: 'memory', error }]);
});
