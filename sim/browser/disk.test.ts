import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { OutboxStore } from '../../worker/outbox-store.ts';
import { storeChange, storeEntry } from '../../worker/testing/store-conformance-kit.ts';
import { Kernel } from '../kernel/kernel.ts';
import { Random } from '../kernel/random.ts';
import { Realm } from '../kernel/realm.ts';
import { clockOf } from '../testing/clock-of.ts';
import { runVirtually } from '../testing/run-virtually.ts';
import { Disk } from './disk.ts';
import { KeyRange, mountDisk } from './fake-idb.ts';
import { SimBlob } from './sim-blob.ts';

vi.mock('idb', () => import('./fake-idb.ts'));
const { indexedDbOutbox } = await import('../../worker/store/indexed-db-outbox.ts');

beforeEach(() => void vi.stubGlobal('IDBKeyRange', KeyRange).stubGlobal('Blob', SimBlob));
afterEach(() => void vi.unstubAllGlobals());

const opening = { durability: 'relaxed', onHealth() {}, onFenced() {} } as const;

/** What a store finds once the power has failed behind `work`, and nothing was on the disk that need not be. */
async function afterPowerLoss(work: (store: OutboxStore) => Promise<void>) {
  const kernel = new Kernel();
  const disk = new Disk(kernel, new Random('disk'));
  const inRealm = <T>(run: (store: OutboxStore) => Promise<T>): Promise<T> => {
    const realm = new Realm(kernel, 'hub');
    mountDisk(realm, disk);
    let result!: Promise<T>;
    realm.enter(() => {
      result = run(indexedDbOutbox('outbox', clockOf(realm)));
    });
    return runVirtually(kernel, result);
  };
  await inRealm(async (store) => {
    await store.open(opening);
    await work(store);
    disk.file('outbox').lose(0);
  });
  const { entries, held } = await inRealm((store) => store.open(opening));
  return { entries: entries.map(({ seq }) => seq), held: held.map(({ seq }) => seq) };
}

describe('a power loss under an outbox with relaxed durability', () => {
  it('takes along what was stored last', async () => {
    const found = await afterPowerLoss((store) => store.commit(storeChange({ entries: [storeEntry(1)] })));
    expect(found).toEqual({ entries: [], held: [] });
  });

  it('leaves an entry that was held the sequence that it has got', async () => {
    const found = await afterPowerLoss(async (store) => {
      await store.commit(storeChange({ held: [storeEntry(1)] }));
      await store.commit(storeChange({ entries: [storeEntry(2)], heldRemoved: [1] }));
    });
    expect(found).toEqual({ entries: [2], held: [] });
  });
});
