import type { StoreChange, StoredOutbox, StoreHealth } from './core/store-types.ts';

/** What a store is opened with. */
export interface StoreOpening {
  readonly durability: 'strict' | 'relaxed';
  /** The store stands otherwise than before, from the end of the opening on. Told at once, if anything is wrong. */
  readonly onHealth: (health: StoreHealth) => void;
  /** A later opening has taken over: this hub must end. Nothing that it commits takes effect any more. */
  readonly onFenced: () => void;
}

/** Where the outbox is kept. */
export interface OutboxStore {
  /**
   * Opens the store and counts the client epoch up, in one transaction. Always settles, and never rejects: what
   * goes wrong is told by `onHealth`, and the store goes on in memory.
   */
  open(opening: StoreOpening): Promise<StoredOutbox>;
  /**
   * Writes a change. Settles once it is stored, in the order of the calls; never, if the store was fenced. What
   * only forgets or moves cursors may be written later than it settles: losing it costs a repetition, no entry.
   */
  commit(change: StoreChange): Promise<void>;
  /** Ends the use of the store; what was committed is written first. */
  close(): Promise<void>;
}
