import { openDB, type DBSchema, type IDBPDatabase, type IDBPTransaction, type StoreNames } from 'idb';
import type { Clock } from '../clock.ts';
import type { Position } from '../core/hub-api.ts';
import type { FailureRecord } from '../core/store-types.ts';
import { withWakingDeadline } from '../deadline.ts';
import * as storeLimits from './limits.ts';

/** Whose outbox it is. */
export type ClientRecord = readonly [
  clientId: string,
  clientEpoch: number,
  acked: number,
  /** Highest sequence that was ever stored. */
  lastSeq: number,
  owner: string | null,
];

/** Entries by columns: all sequences, all tab ids, and so on. A column of one value only is that value. */
export type SegmentRecord = readonly unknown[];

/** Something by its key, and when it was written: turns count up. So the least recent one can be found. */
interface Newest<V> {
  readonly key: string;
  readonly value: readonly [value: V, turn: number];
}

/**
 * The object stores. Field names in the records are those that the wire or the tabs know as well, because no minifier
 * may change those; all else is known by its place in an array.
 */
export interface OutboxSchema extends DBSchema {
  client: { key: number; value: ClientRecord };
  /** By the sequence of the first entry that a segment had when it was new. */
  segments: { key: number; value: SegmentRecord };
  /** By its sequence: one entry, in the form of a segment. */
  held: { key: number; value: SegmentRecord };
  tabs: Newest<number>;
  failures: { key: number; value: readonly FailureRecord[] };
  cursors: Newest<Position>;
  /** A key for each of the next client epochs: on a full disk, where nothing can be put, deleting one takes it. */
  spares: { key: number; value: number };
  damaged: { key: number; value: readonly [store: string, key: unknown, value: unknown] };
}

/** An open database. */
export type Database = IDBPDatabase<OutboxSchema>;
/** A transaction over all object stores. */
export type WriteTransaction = IDBPTransaction<OutboxSchema, StoreNames<OutboxSchema>[], 'readwrite'>;

/** The one key of the client record. */
export const clientKey = 0;

const schemaVersion = 2;

const stores: StoreNames<OutboxSchema>[] = [
  'client',
  'segments',
  'held',
  'tabs',
  'failures',
  'cursors',
  'spares',
  'damaged',
];

const tooLate = (): DOMException => new DOMException('IndexedDB does not answer', 'TimeoutError');

/**
 * Opens the database within its deadline; one that opens later is closed. `onGone` is called when this connection can
 * be used no more: it was lost, or made way for somebody who deletes or upgrades the database.
 */
export async function openDatabase(
  name: string,
  clock: Clock,
  onGone: (db: Database) => void,
): Promise<Database> {
  const gone = () => void opening.then(onGone);
  const opening = openDB<OutboxSchema>(name, schemaVersion, {
    upgrade(db, before) {
      for (const store of before === 0 ? stores : (['held'] as const))
        db.createObjectStore(store, { autoIncrement: store === 'damaged' });
    },
    blocking: gone,
    terminated: gone,
  });
  const db = await withWakingDeadline(opening, storeLimits.openTimeoutMs, clock);
  if (db) return db;
  opening.then((late) => late.close()).catch(() => {});
  throw tooLate();
}

/**
 * Runs `work` in one transaction, and settles when that is complete. Whatever goes wrong, nothing of it is written,
 * and the reason is thrown; unless the connection is lost or the deadline passes while it commits: then nobody knows.
 */
export async function transact<T>(
  db: Database,
  durability: 'strict' | 'relaxed',
  clock: Clock,
  work: (tx: WriteTransaction) => Promise<T>,
  largeBytes = 0,
): Promise<T> {
  const tx = db.transaction(stores, 'readwrite', { durability });
  tx.done.catch(() => {});
  const run = async (): Promise<readonly [T]> => {
    const result = await work(tx);
    tx.commit();
    await tx.done;
    return [result];
  };
  try {
    const extraMs = largeBytes / storeLimits.transactionBytesPerMs;
    const outcome = await withWakingDeadline(run(), storeLimits.transactionTimeoutMs + extraMs, clock);
    if (!outcome) throw tooLate();
    return outcome[0];
  } catch (error) {
    const reason = tx.error ?? error;
    try {
      tx.abort();
    } catch {
      // It has ended already.
    }
    throw reason;
  }
}

/** The client epoch of the last opening. */
export async function currentEpoch(tx: WriteTransaction, client: ClientRecord | undefined): Promise<number> {
  const [next] = await tx.objectStore('spares').getAllKeys(undefined, 1);
  return next === undefined ? (client?.[1] ?? 0) : next - 1;
}

/** For requests whose failure the end of the transaction tells. */
export const unheard = (request: Promise<unknown>): void => void request.catch(() => {});
