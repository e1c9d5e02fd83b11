import type { IDBPObjectStore } from 'idb';
import type { Entry, FailureRecord, StoredOutbox } from '../core/store-types.ts';
import {
  clientKey,
  currentEpoch,
  unheard,
  type ClientRecord,
  type OutboxSchema,
  type WriteTransaction,
} from './database.ts';
import { isClient, isCount, isFailure, isPosition } from './records.ts';
import { decodeSegment, type Segment } from './segments.ts';
import * as storeLimits from './limits.ts';

type StoreName = 'client' | 'segments' | 'held' | 'tabs' | 'failures' | 'cursors';

/** What is known of the records without reading them again. */
export interface LogIndex {
  segments: readonly Segment[];
  /** Keys of the records of failures, and how many each has. */
  failures: [key: number, count: number][];
  /** Keys of records, least recent first. */
  readonly tabs: Set<string>;
  readonly cursors: Set<string>;
  /** Of the newest record. */
  turn: number;
}

/** An index of nothing. */
export const emptyIndex = (): LogIndex => ({
  segments: [],
  failures: [],
  tabs: new Set(),
  cursors: new Set(),
  turn: 0,
});

/** What an opening found. */
interface Loaded {
  readonly client: ClientRecord;
  readonly stored: StoredOutbox;
  readonly index: LogIndex;
  /** Records that could not be read, and were put aside. */
  readonly damaged: number;
}

/**
 * Counts the client epoch up, and reads all records. `newId` becomes the client id where there is none. On a full disk
 * it only deletes, which a browser allows.
 */
export async function loadOutbox(tx: WriteTransaction, newId: string, isFull: boolean): Promise<Loaded> {
  const { read, aside } = reader(tx, isFull);
  const index = emptyIndex();
  let found: ClientRecord | undefined;
  await read('client', (record) => isClient(record) && !!(found = record));
  const [clientId, , acked, lastStored, owner] = found ?? [newId, 0, 0, 0, null];

  let lastSeq = 0;
  const segments: Segment[] = [];
  const entries: Entry[] = [];
  await read('segments', (record, first) => {
    const decoded = isCount(first) && decodeSegment(record, Math.max(lastSeq, first - 1));
    if (!decoded || decoded.length === 0) return false;
    lastSeq = decoded.at(-1)!.seq;
    segments.push({ first, last: lastSeq });
    for (const entry of decoded) if (entry.seq > acked) entries.push(entry);
    return true;
  });
  const held: Entry[] = [];
  await read('held', (record, key) => {
    const entry = isCount(key) && decodeSegment(record, key - 1)?.[0];
    return entry ? held.push(entry) > 0 : false;
  });
  const readNewest = async <N extends 'tabs' | 'cursors'>(
    name: N,
    limit: number,
    check: (value: OutboxSchema[N]['value'][0]) => boolean,
  ) => {
    const found: [key: string, value: OutboxSchema[N]['value'][0], turn: number][] = [];
    await read(
      name,
      ([value, turn], key) => check(value) && isCount(turn) && !!found.push([key, value, turn]),
    );
    found.sort(([, , a], [, , b]) => a - b);
    for (const [key, , turn] of found) {
      index[name].add(key);
      index.turn = Math.max(index.turn, turn);
    }
    return found.slice(-limit).map(([key, value]) => [key, value] as const);
  };
  const failures: FailureRecord[] = [];
  await read('failures', (record, key) => {
    if (!record.every(isFailure)) return false;
    index.failures.push([key, record.length]);
    failures.push(...record);
    return true;
  });
  index.segments = segments;

  const clientEpoch = (await currentEpoch(tx, found)) + 1;
  const client: ClientRecord = [clientId, clientEpoch, acked, Math.max(lastStored, lastSeq), owner];
  const spares = tx.objectStore('spares');
  if (isFull && (!found || (await spares.count()) < 2)) throw new DOMException('', 'QuotaExceededError');
  unheard(spares.delete(IDBKeyRange.upperBound(clientEpoch)));
  if (!isFull) {
    unheard(tx.objectStore('client').put(client, clientKey));
    for (let next = 1; next <= storeLimits.spareEpochs; next++) unheard(spares.put(0, clientEpoch + next));
  }
  const stored: StoredOutbox = {
    clientId,
    clientEpoch,
    lastSeq: Math.max(client[3], clientEpoch * storeLimits.epochSequences),
    acked,
    entries,
    held,
    tabSeqs: await readNewest('tabs', storeLimits.tabs, isCount),
    failures: failures.slice(-storeLimits.failures),
    cursors: await readNewest('cursors', storeLimits.cursors, isPosition),
    owner,
  };
  return { client, stored, index, damaged: aside() };
}

/** Reads object stores record by record, and puts aside what turns out to be no sound record. */
function reader(tx: WriteTransaction, isFull: boolean) {
  let count = 0;
  const putAside = async (name: StoreName, key: IDBValidKey, value: unknown) => {
    count++;
    if (isFull) return;
    const damaged = tx.objectStore('damaged');
    unheard(tx.objectStore(name).delete(key as never));
    if ((await damaged.count()) < storeLimits.damaged) unheard(damaged.add([name, key, value]));
  };
  return {
    aside: () => count,
    /** `take` says whether the record is sound; throwing is saying no. */
    async read<N extends StoreName>(
      name: N,
      take: (record: OutboxSchema[N]['value'], key: OutboxSchema[N]['key']) => boolean,
    ): Promise<void> {
      const store: IDBPObjectStore<OutboxSchema, StoreName[], N, 'readwrite'> = tx.objectStore(name) as never;
      let after: IDBKeyRange | undefined;
      for (;;) {
        const [keys, records] = await Promise.all([
          store.getAllKeys(after, storeLimits.pageRecords),
          store.getAll(after, storeLimits.pageRecords),
        ]);
        for (const [position, key] of keys.entries()) {
          const record = records[position]!;
          if (!isSound(() => take(record, key))) await putAside(name, key, record);
        }
        if (keys.length < storeLimits.pageRecords) return;
        after = IDBKeyRange.lowerBound(keys.at(-1), true);
      }
    },
  };
}

function isSound(take: () => boolean): boolean {
  try {
    return take();
  } catch {
    return false;
  }
}
