import type { StoreChange, StoredOutbox } from '../core/store-types.ts';
import type { Clock } from '../clock.ts';
import { largeBytes } from '../core/outbox-slots.ts';
import {
  clientKey,
  currentEpoch,
  openDatabase,
  transact,
  type Database,
  type WriteTransaction,
} from './database.ts';
import { emptyIndex, loadOutbox, type LogIndex } from './load.ts';
import { errorName } from './storage-error.ts';
import { writeChange } from './write.ts';

/**
 * What a write came to: `fenced` if a later opening, or somebody else's outbox, is in the database now; nothing was
 * written then.
 */
type WriteResult = 'written' | 'fenced';

/** Reasons of IndexedDB that say that the connection is of no use any more. */
const connectionErrors = ['InvalidStateError', 'UnknownError'];

/** The log in IndexedDB. Its methods reject with what went wrong; one call at a time. */
export class IndexedDbLog {
  readonly #name: string;
  readonly #clock: Clock;
  readonly #clientId: string;
  readonly #durability: 'strict' | 'relaxed';
  #db: Database | null = null;
  #me: readonly [clientId: string, clientEpoch: number];
  #index: LogIndex = emptyIndex();
  /** The highest sequence that is known to be stored; the client record can have one of a write in doubt. */
  #lastSeq = 0;
  /** Whether the database was found empty, and has not been filled again yet. */
  #isEmpty = false;
  /** Whether a write that failed may have been stored all the same. */
  #isUncertain = false;

  /** `clientId` is for a database in which no outbox is yet. */
  constructor(name: string, clientId: string, durability: 'strict' | 'relaxed', clock: Clock) {
    this.#name = name;
    this.#clientId = clientId;
    this.#me = [clientId, 1];
    this.#durability = durability;
    this.#clock = clock;
  }

  /** Counts the client epoch up in a strict transaction, and reads everything. */
  async open(): Promise<{ readonly stored: StoredOutbox; readonly damaged: number }> {
    const db = await this.#connect();
    const load = (isFull: boolean) =>
      transact(db, 'strict', this.#clock, (tx) => loadOutbox(tx, this.#clientId, isFull));
    const { client, index, stored, damaged } = await load(false).catch((error: unknown) => {
      if (errorName(error) !== 'QuotaExceededError') throw error;
      return load(true);
    });
    this.#me = [client[0], client[1]];
    this.#lastSeq = client[3];
    this.#index = index;
    return { stored, damaged };
  }

  /**
   * Writes a change as one transaction. A connection that turns out to be lost is opened again, once. Where the
   * database has been deleted, all that `everything` gives is written instead.
   */
  async write(change: StoreChange, everything: () => StoreChange, freesOnly: boolean): Promise<WriteResult> {
    const before = this.#db;
    try {
      return await this.#write(change, everything, freesOnly);
    } catch (error) {
      this.#isUncertain = true;
      const isTimeout = errorName(error) === 'TimeoutError';
      if (isTimeout || connectionErrors.includes(errorName(error))) this.close();
      if (isTimeout || !before || this.#db) throw error;
      return this.#write(change, everything, freesOnly);
    }
  }

  /** Lets go of the database; the next write opens it again. */
  close(): void {
    this.#db?.close();
    this.#db = null;
  }

  async #write(change: StoreChange, everything: () => StoreChange, freesOnly: boolean): Promise<WriteResult> {
    const db = this.#db ?? (await this.#connect());
    const [clientId, clientEpoch] = this.#me;
    let index = this.#index;
    const large = [...change.held, ...change.entries].reduce((sum, entry) => sum + largeBytes(entry), 0);
    const work = async (tx: WriteTransaction) => {
      const client = await tx.objectStore('client').get(clientKey);
      if (client && (client[0] !== clientId || (await currentEpoch(tx, client)) !== clientEpoch)) return null;
      this.#isEmpty ||= !client;
      if (this.#isEmpty) {
        index = emptyIndex();
        const anew = { ...everything(), purge: true };
        return writeChange(tx, [clientId, clientEpoch, 0, 0, null], index, anew, null, false);
      }
      // Where everything was written anew, it held what had yet to come with this change.
      const entries = change.purge ? change.entries : change.entries.filter(({ seq }) => seq > this.#lastSeq);
      return writeChange(
        tx,
        [clientId, clientEpoch, client![2], client![3], client![4]],
        index,
        { ...change, entries },
        // What is in doubt goes only where it is written again at the same time.
        this.#isUncertain && !freesOnly ? this.#lastSeq : null,
        freesOnly,
      );
    };
    // What was held has its sequence from here on: after a power loss it would get another one, and go to the server again.
    const durability = change.heldRemoved.length > 0 ? 'strict' : this.#durability;
    const written = await transact(db, durability, this.#clock, work, large);
    if (!written) return 'fenced';
    // While it was written, the database may have been deleted, and this transaction with it.
    if (this.#db !== db) throw new DOMException('the connection was closed', 'InvalidStateError');
    this.#index = { ...index, ...written.index };
    this.#lastSeq = written.lastSeq ?? (this.#isEmpty ? 0 : this.#lastSeq);
    this.#isUncertain &&= freesOnly;
    this.#isEmpty = false;
    return 'written';
  }

  async #connect(): Promise<Database> {
    this.#db = await openDatabase(this.#name, this.#clock, (db) => {
      db.close();
      if (this.#db === db) this.#db = null;
    });
    return this.#db;
  }
}
