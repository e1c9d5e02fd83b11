import type { ErrorData } from '../../src/protocol/errors.ts';
import type { TraceContext } from '../../src/protocol/trace-context.ts';
import type { Durability, FailedEntry, Position } from './hub-api.ts';
import type { Large } from './payload-types.ts';

/** One outgoing message, as the store keeps it. */
export interface Entry {
  /** Outbox sequence: counts up over all tabs, with holes where entries ended early. */
  readonly seq: number;
  readonly tabId: string;
  readonly tabSeq: number;
  readonly id: string;
  readonly topic: string;
  /** The payload as JSON text, as bytes, or large. */
  readonly json?: string;
  readonly bytes?: ArrayBuffer;
  readonly large?: Large;
  /** When the tab published it, and when it expires; milliseconds since the Unix epoch. */
  readonly ts: number;
  readonly expiresAt: number | null;
  readonly coalesceKey?: string;
  /** Where the tab was in a trace when it published. */
  readonly trace?: TraceContext;
}

/** An entry that ended without reaching the server, kept for tabs that ask later. */
export interface FailureRecord extends FailedEntry {
  readonly tabId: string;
  readonly id: string;
  readonly topic: string;
}

/** Who the outbox is to the server. */
export interface OutboxIdentity {
  /** Random id of the outbox, kept for as long as its store. */
  readonly clientId: string;
  /** Counts up at every opening of the store: what an older opening writes is refused (fencing). */
  readonly clientEpoch: number;
}

/** What a store holds when a hub opens it. */
export interface StoredOutbox extends OutboxIdentity {
  /**
   * Sequences of new entries begin above this. At least `clientEpoch * 2^32`: after a power loss a store with
   * relaxed durability may have forgotten sequences that the server has seen.
   */
  readonly lastSeq: number;
  /** The server's last cumulative acknowledgement that was stored. */
  readonly acked: number;
  /** Entries without a fate, in the order of their sequences. */
  readonly entries: readonly Entry[];
  /**
   * Large entries whose content the server does not have yet, and what waits behind them, in the order of their
   * sequences. Those are keys: an entry gets another one when it goes into the log.
   */
  readonly held: readonly Entry[];
  /** The last tab sequence taken of each tab, the tab heard from last at the end. */
  readonly tabSeqs: readonly (readonly [tabId: string, tabSeq: number])[];
  /** The newest failures, oldest first. */
  readonly failures: readonly FailureRecord[];
  /** Stored cursors by topic. */
  readonly cursors: readonly (readonly [topic: string, position: Position])[];
  /** Whom the server named when it last accepted this outbox; null before the first time. */
  readonly owner: string | null;
}

/** Where the store stands. */
export interface StoreHealth {
  readonly durability: Durability;
  /** Why it is `memory`, or what was found damaged; null if nothing is wrong. */
  readonly error: ErrorData | null;
}

/** What one commit writes, as one unit. Commits take effect in the order in which they were made. */
export interface StoreChange {
  /** New entries, with ascending sequences above all earlier ones. */
  readonly entries: readonly Entry[];
  /** New held entries, and sequences of those that are held no more. */
  readonly held: readonly Entry[];
  readonly heldRemoved: readonly number[];
  /** Last tab sequences that the hub has taken, of the tabs that this commit concerns. */
  readonly tabSeqs: readonly (readonly [tabId: string, tabSeq: number])[];
  /** Sequences of entries that ended before the server acknowledged them. */
  readonly removed: readonly number[];
  /** Failures to remember. */
  readonly failures: readonly FailureRecord[];
  /** The server has everything up to this sequence: the store may forget it. Null if nothing new. */
  readonly acked: number | null;
  /** Cursors that moved on. */
  readonly cursors: readonly (readonly [topic: string, position: Position])[];
  /** Forget all entries, held ones too, failures and cursors first; tab sequences stay. */
  readonly purge: boolean;
  /** Whom the server named; null if nothing new. */
  readonly owner: string | null;
}
