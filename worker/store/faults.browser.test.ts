import { afterEach, describe, expect, it, vi } from 'vitest';
import { cdp } from 'vitest/browser';
import { platformClock } from '../clock.ts';
import type { StoreChange, StoreHealth } from '../core/store-types.ts';
import { EventLog } from '../testing/event-log.ts';
import { storeChange, storeEntries, storeEntry } from '../testing/store-conformance-kit.ts';
import { indexedDbOutbox } from './indexed-db-outbox.ts';

/** Storage Buckets API, which TypeScript does not know yet. */
interface Buckets {
  readonly storageBuckets: { open(name: string): Promise<{ readonly indexedDB: IDBFactory }> };
}

type Told = StoreHealth | 'fenced';

/** Timers that end when the test says so, but for the deadlines that it says nothing of. */
function manualClock() {
  const started = new EventLog<number>();
  const waiting: { readonly delayMs: number; readonly run: () => void }[] = [];
  return {
    context: () => ({ now: 0, ticks: 0, random: 0 }),
    after(delayMs: number, run: () => void) {
      const timer = { delayMs, run };
      waiting.push(timer);
      started.add(delayMs);
      return () => void (waiting.includes(timer) && waiting.splice(waiting.indexOf(timer), 1));
    },
    /** Settles once there was a timer of this delay. */
    started: (delayMs: number) => started.until((delays) => delays.includes(delayMs)),
    /** Ends the timer of this delay, which must run. */
    end(delayMs: number) {
      const index = waiting.findIndex((timer) => timer.delayMs === delayMs);
      if (index < 0) throw new Error(`no timer of ${delayMs} ms`);
      waiting.splice(index, 1)[0]!.run();
    },
  };
}

const newName = (): string => `test:${crypto.randomUUID()}`;

async function open(name: string, durability: 'strict' | 'relaxed' = 'strict') {
  const clock = manualClock();
  const log = new EventLog<Told>();
  const store = indexedDbOutbox(name, clock);
  const stored = await store.open({
    durability,
    onHealth: (health) => log.add(health),
    onFenced: () => log.add('fenced'),
  });
  const commit = (parts: Partial<StoreChange>) => store.commit(storeChange(parts));
  return { ...stored, store, clock, log, commit, seqs: stored.entries.map(({ seq }) => seq) };
}

/** What another hub finds there afterwards. */
async function reopened(name: string) {
  const { store, ...rest } = await open(name);
  await store.close();
  return rest;
}

const answer = <T>(request: IDBRequest<T>): Promise<T> =>
  new Promise((resolve, reject) => {
    request.addEventListener('success', () => resolve(request.result));
    request.addEventListener('error', () => reject(request.error!));
  });

/** Opens the database past the store. */
const raw = (name: string, version?: number): Promise<IDBDatabase> => answer(indexedDB.open(name, version));

const memory = (message: unknown, retryable = true) => ({
  durability: 'memory',
  error: { code: 'storage-failed', message, retryable },
});
const fine: StoreHealth = { durability: 'strict', error: null };

afterEach(() => void vi.unstubAllGlobals());

describe('a store that cannot be opened', () => {
  it('goes on in memory without IndexedDB', async () => {
    const property = Object.getOwnPropertyDescriptor(globalThis, 'indexedDB')!;
    Reflect.deleteProperty(globalThis, 'indexedDB');
    const opened = await open(newName());
    Object.defineProperty(globalThis, 'indexedDB', property);
    const { clientId, clientEpoch, lastSeq, log, commit, store } = opened;
    expect(log.events).toEqual([memory(expect.stringContaining('IndexedDB'), false)]);
    expect([clientId.length > 0, clientEpoch, lastSeq]).toEqual([true, 1, 2 ** 32]);
    await commit({ entries: storeEntries(1, 3) });
    await store.close();
  });

  it('goes on in memory where opening throws', async () => {
    const refuse = () => {
      throw new DOMException('access is denied', 'SecurityError');
    };
    vi.stubGlobal('indexedDB', { open: refuse });
    const { log, commit } = await open(newName());
    expect(log.events).toEqual([memory(expect.stringContaining('access is denied'), false)]);
    await commit({ entries: storeEntries(1, 3) });
  });

  it('leaves a database of a newer schema alone', async () => {
    const name = newName();
    (await raw(name, 99)).close();
    const { log, commit, store } = await open(name);
    expect(log.events).toEqual([memory(expect.stringContaining('newer'))]);
    await commit({ entries: storeEntries(1, 3) });
    await store.close();
    const db = await raw(name);
    expect([db.version, db.objectStoreNames.length]).toEqual([99, 0]);
    db.close();
  });

  it('goes on in memory when the database does not answer, and stores what came once it does', async () => {
    const name = newName();
    const holder = await raw(name, 1);
    const deleted = answer(indexedDB.deleteDatabase(name));
    const clock = manualClock();
    const log = new EventLog<Told>();
    const store = indexedDbOutbox(name, clock);
    const opening = store.open({
      durability: 'strict',
      onHealth: (health) => log.add(health),
      onFenced: () => log.add('fenced'),
    });
    clock.end(3_000);
    const { clientId } = await opening;
    expect(log.events).toEqual([memory(expect.stringContaining('does not answer'))]);
    await store.commit(storeChange({ entries: storeEntries(1, 3), tabSeqs: [['a', 3]] }));
    await store.commit(storeChange({ removed: [2] }));
    holder.close();
    await deleted;
    clock.end(1_000);
    await log.until((events) => events.length === 2);
    expect(log.events[1]).toEqual(fine);
    await store.commit(storeChange({ entries: [storeEntry(4)] }));
    await store.close();
    expect(await reopened(name)).toMatchObject({
      clientId,
      clientEpoch: 2,
      seqs: [1, 3, 4],
      tabSeqs: [['a', 3]],
    });
  });

  it('does not mix with an earlier outbox whose database answers too late', async () => {
    const name = newName();
    const first = await open(name);
    await first.commit({ entries: storeEntries(1, 3) });
    await first.store.close();
    const clock = manualClock();
    const log = new EventLog<Told>();
    const store = indexedDbOutbox(name, clock);
    const opening = store.open({
      durability: 'strict',
      onHealth: (health) => log.add(health),
      onFenced() {},
    });
    clock.end(3_000);
    await opening;
    clock.end(10_000);
    await log.until((events) => events.length === 2);
    expect(log.events[1]).toEqual(memory(expect.stringContaining('begun without it')));
    await store.commit(storeChange({ entries: storeEntries(7, 9) }));
    await store.close();
    expect(await reopened(name)).toMatchObject({ clientId: first.clientId, seqs: [1, 2, 3] });
  });
});

describe('a store that loses its database', () => {
  it('makes way for somebody who deletes it, and writes everything anew with the next commit', async () => {
    const name = newName();
    const { clientId, commit, store, log } = await open(name);
    await commit({ entries: storeEntries(1, 5), tabSeqs: [['a', 5]], owner: 'ann' });
    await commit({ removed: [3], failures: [], acked: 1, cursors: [['t', { epoch: 'e', offset: 4 }]] });
    await answer(indexedDB.deleteDatabase(name));
    void commit({ entries: storeEntries(6, 7) });
    void commit({ entries: storeEntries(8, 9) });
    await commit({ removed: [7] });
    await store.close();
    expect(log.events).toEqual([]);
    const left = await reopened(name);
    expect(left).toMatchObject({ clientId, clientEpoch: 2, acked: 1, owner: 'ann', tabSeqs: [['a', 5]] });
    expect([left.seqs, left.log.events]).toEqual([[2, 4, 5, 6, 8, 9], []]);
    expect(left.cursors).toEqual([['t', { epoch: 'e', offset: 4 }]]);
  });

  it('settles what was under way while the database was deleted', async () => {
    const name = newName();
    const { commit, store } = await open(name);
    const commits = [storeEntries(1, 2), storeEntries(3, 4)].map((entries) => commit({ entries }));
    const deleted = answer(indexedDB.deleteDatabase(name));
    commits.push(commit({ entries: storeEntries(5, 6) }));
    await Promise.all([deleted, ...commits]);
    await commit({ entries: [storeEntry(7)] });
    await store.close();
    const left = await reopened(name);
    expect([left.seqs, left.log.events]).toEqual([[1, 2, 3, 4, 5, 6, 7], []]);
  });

  it('is fenced where another outbox has been made in its place', async () => {
    const name = newName();
    const { commit, log } = await open(name);
    await commit({ entries: storeEntries(1, 2) });
    await answer(indexedDB.deleteDatabase(name));
    const other = await open(name);
    let isSettled = false;
    void commit({ entries: [storeEntry(3)] }).then(() => (isSettled = true));
    await log.until((events) => events.includes('fenced'));
    await other.store.close();
    expect([isSettled, (await reopened(name)).seqs]).toEqual([false, []]);
  });

  it('writes anew what was stored or not when the connection went, however much of it is left', async () => {
    const name = newName();
    const transaction = vi.spyOn(IDBDatabase.prototype, 'transaction');
    const { commit, store, log, clock } = await open(name);
    await commit({ entries: storeEntries(1, 3) });
    const connection = transaction.mock.contexts.at(-1) as IDBDatabase;
    transaction.mockRestore();
    // The transaction that is under way still completes, but the store no longer knows.
    const uncertain = commit({ entries: storeEntries(4, 6) });
    connection.dispatchEvent(new IDBVersionChangeEvent('versionchange'));
    const refuse = () => {
      throw new DOMException('server lost', 'UnknownError');
    };
    vi.stubGlobal('indexedDB', { open: refuse });
    await uncertain;
    vi.unstubAllGlobals();
    expect(log.events).toEqual([memory(expect.stringContaining('server lost'))]);
    const between = await raw(name);
    await expect(answer(between.transaction('segments').objectStore('segments').count())).resolves.toBe(2);
    between.close();
    await commit({ removed: [4] });
    await commit({ acked: 1 });
    clock.end(1_000);
    await log.until((events) => events.length === 2);
    await commit({ removed: [6] });
    await store.close();
    const left = await reopened(name);
    expect([left.seqs, left.log.events]).toEqual([[2, 3, 5], []]);
  });

  it('opens a connection again that was closed under it', async () => {
    const name = newName();
    const transaction = vi.spyOn(IDBDatabase.prototype, 'transaction');
    const { commit, store, log } = await open(name);
    await commit({ entries: storeEntries(1, 2) });
    (transaction.mock.contexts.at(-1) as IDBDatabase).close();
    await commit({ entries: storeEntries(3, 4) });
    await store.close();
    transaction.mockRestore();
    expect(log.events).toEqual([]);
    expect((await reopened(name)).seqs).toEqual([1, 2, 3, 4]);
  });
});

describe('a transaction that does not end', () => {
  /** Holds all object stores, so that every other transaction waits. */
  function occupy(db: IDBDatabase) {
    const tx = db.transaction([...db.objectStoreNames], 'readwrite');
    let isHeld = true;
    const goOn = () => void (isHeld && tx.objectStore('client').get(0).addEventListener('success', goOn));
    goOn();
    return () => void (isHeld = false);
  }

  it('leaves the outbox in memory after its deadline, and is written again without anything twice', async () => {
    const name = newName();
    const { commit, store, log, clock } = await open(name);
    await commit({ entries: storeEntries(1, 3), tabSeqs: [['a', 3]] });
    const db = await raw(name);
    const release = occupy(db);
    const late = [
      commit({ entries: storeEntries(4, 6) }),
      commit({ entries: storeEntries(7, 9), removed: [5] }),
    ];
    clock.end(10_000);
    await Promise.all(late);
    expect(log.events).toEqual([memory(expect.stringContaining('does not answer'))]);
    await commit({ removed: [2, 4], failures: [] });
    release();
    clock.end(1_000);
    await log.until((events) => events.length === 2);
    expect(log.events[1]).toEqual(fine);
    await commit({ acked: 1 });
    await store.close();
    db.close();
    const left = await reopened(name);
    expect([left.seqs, left.acked]).toEqual([[3, 6, 7, 8, 9], 1]);
  });

  it('does not keep a store from being opened, in memory', async () => {
    const name = newName();
    (await open(name)).store.close();
    const db = await raw(name);
    const release = occupy(db);
    const clock = manualClock();
    const log = new EventLog<Told>();
    const store = indexedDbOutbox(name, clock);
    const opening = store.open({
      durability: 'strict',
      onHealth: (health) => log.add(health),
      onFenced() {},
    });
    await clock.started(10_000);
    clock.end(10_000);
    await expect(opening).resolves.toMatchObject({ clientEpoch: 1, lastSeq: 2 ** 32 });
    expect(log.events).toEqual([memory(expect.stringContaining('does not answer'))]);
    release();
    await store.close();
    db.close();
  });
});

describe('a transaction that is aborted', () => {
  /** Aborts the next transactions that write to this database until told otherwise. */
  function abortWrites(name: string) {
    const state = { isFailing: true };
    const put = IDBObjectStore.prototype.put;
    IDBObjectStore.prototype.put = function (...args) {
      const request = put.apply(this, args);
      if (state.isFailing && this.transaction.db.name === name) this.transaction.abort();
      return request;
    };
    return { state, restore: () => void (IDBObjectStore.prototype.put = put) };
  }

  it('leaves the outbox in memory until writing works again, without the loss of anything', async () => {
    const name = newName();
    const { commit, store, log, clock } = await open(name);
    await commit({ entries: storeEntries(1, 5), tabSeqs: [['a', 5]] });
    const { state, restore } = abortWrites(name);
    try {
      const order: number[] = [];
      const changes = [
        { entries: storeEntries(6, 8), tabSeqs: [['a', 8]] as const },
        { entries: storeEntries(9, 10) },
        { removed: [2, 7] },
        { acked: 1 },
      ];
      await Promise.all(changes.map((parts, index) => commit(parts).then(() => order.push(index))));
      expect(order).toEqual([0, 1, 2, 3]);
      expect(log.events).toEqual([memory(expect.any(String))]);
      await commit({ entries: storeEntries(11, 12), tabSeqs: [['a', 12]] });
      clock.end(10_000);
      await commit({ removed: [12] });
      state.isFailing = false;
    } finally {
      restore();
    }
    await store.close();
    expect(log.events.length).toBeLessThanOrEqual(2);
    const left = await reopened(name);
    expect([left.seqs, left.acked]).toEqual([[3, 4, 5, 6, 8, 9, 10, 11], 1]);
    expect(left.tabSeqs).toEqual([['a', 12]]);
  });
});

describe('a full disk', () => {
  /** Lets this origin have so much more than it has now. */
  async function allow(moreBytes: number): Promise<void> {
    const { usage = 0 } = await navigator.storage.estimate();
    const quotaSize = usage + moreBytes;
    await cdp().send('Storage.overrideQuotaForOrigin', { origin: location.origin, quotaSize });
  }

  it('leaves the outbox in memory until there is space again, without the loss of anything', async () => {
    // Chromium remembers for 30 s how much space a bucket has left, so this test wants one that nobody has used.
    const bucket = await (navigator as unknown as Buckets).storageBuckets.open(crypto.randomUUID());
    vi.stubGlobal('indexedDB', bucket.indexedDB);
    const name = newName();
    await allow(300_000);
    try {
      const { commit, store, log, clock } = await open(name);
      await commit({ entries: [storeEntry(1, `"${'x'.repeat(10_000)}"`)] });
      await commit({ entries: [storeEntry(2, `"${'y'.repeat(900_000)}"`)] });
      await commit({ entries: storeEntries(3, 4) });
      expect(log.events).toEqual([memory(expect.stringContaining('full'))]);
      await allow(50_000_000);
      await commit({ acked: 1 });
      clock.end(1_000);
      await log.until((events) => events.length === 2);
      expect(log.events[1]).toEqual(fine);
      await store.close();
      const left = await reopened(name);
      expect([left.seqs, left.acked, left.entries[0]!.json!.length]).toEqual([[2, 3, 4], 1, 900_002]);
    } finally {
      await cdp().send('Storage.overrideQuotaForOrigin', { origin: location.origin });
    }
  });
});

describe('damaged records', () => {
  it('are put aside and reported, and all the rest goes on', async () => {
    const name = newName();
    const before = await open(name);
    const { clientId } = before;
    await before.commit({ entries: storeEntries(1, 3), tabSeqs: [['a', 3]] });
    await before.commit({ entries: storeEntries(4, 6), tabSeqs: [['b', 3]] });
    await before.store.close();
    const db = await raw(name);
    const tx = db.transaction(['segments', 'tabs', 'failures', 'cursors'], 'readwrite');
    const done = new Promise((resolve) => tx.addEventListener('complete', resolve));
    tx.objectStore('segments').put({ what: 'is this' }, 1);
    tx.objectStore('segments').put([[9], ['a'], [1], ['id'], ['t'], [5], [1], [null], [undefined]], 9);
    tx.objectStore('tabs').put('nonsense', 'a');
    tx.objectStore('failures').put([[1, 2, 3]], 1);
    tx.objectStore('cursors').put(null, 't');
    await done;
    const { store, log, ...after } = await open(name);
    expect(log.events).toEqual([
      {
        durability: 'strict',
        error: { code: 'storage-failed', message: '5 damaged records were put aside', retryable: false },
      },
    ]);
    expect(after).toMatchObject({
      clientId,
      seqs: [4, 5, 6],
      tabSeqs: [['b', 3]],
      failures: [],
      cursors: [],
    });
    await after.commit({ entries: [storeEntry(10)] });
    await store.close();
    const damaged = await answer(db.transaction('damaged').objectStore('damaged').getAll());
    expect(damaged[0]).toEqual(['segments', 1, { what: 'is this' }]);
    expect(damaged).toHaveLength(5);
    db.close();
    const again = await reopened(name);
    expect([again.seqs, again.log.events]).toEqual([[4, 5, 6, 10], []]);
  });

  it('give a damaged client record a new identity, and keep the entries', async () => {
    const name = newName();
    const before = await open(name);
    await before.commit({ entries: storeEntries(2 ** 32 + 1, 2 ** 32 + 2) });
    await before.store.close();
    const db = await raw(name);
    const tx = db.transaction('client', 'readwrite');
    const done = new Promise((resolve) => tx.addEventListener('complete', resolve));
    tx.objectStore('client').put(['id', 'one'], 0);
    await done;
    db.close();
    const after = await open(name);
    expect(after.clientId).not.toBe(before.clientId);
    expect(after).toMatchObject({ clientEpoch: 2, seqs: [2 ** 32 + 1, 2 ** 32 + 2], lastSeq: 2 ** 33 });
    await after.store.close();
  });
});

describe('changes that may be written late', () => {
  it('are written by a timer when nothing else comes', async () => {
    const name = newName();
    const { commit, clock } = await open(name);
    await commit({ entries: storeEntries(1, 3) });
    await commit({ acked: 2 });
    clock.end(200);
    const later = indexedDbOutbox(name, platformClock);
    const { acked } = await later.open({ durability: 'relaxed', onHealth() {}, onFenced() {} });
    expect(acked).toBe(2);
    await later.close();
  });
});
