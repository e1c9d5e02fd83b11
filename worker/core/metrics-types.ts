import type { ConnectionErrorCode } from '../../src/protocol/errors.ts';

/** How long something took, in milliseconds. */
export interface DurationSummary {
  readonly count: number;
  /** Null before the first. */
  readonly meanMs: number | null;
  readonly maxMs: number;
  readonly lastMs: number | null;
}

/** What the connection before had ended with, or `asked` where the app has called `reconnect()`. */
export type ReconnectReason = ConnectionErrorCode | 'asked';

/** What a hub's interpreter counts: frames and commits never enter the core. */
export interface TransferCounts {
  /** WebSocket messages. */
  readonly framesReceived: number;
  readonly framesSent: number;
  /** Of their contents: bytes of binary frames, and UTF-16 code units of text, which are its bytes where it is ASCII. */
  readonly bytesReceived: number;
  readonly bytesSent: number;
  /** Transactions of the outbox, from their begin until they are done. */
  readonly commits: DurationSummary;
}

/**
 * What the hub counts since it began. It counts for all tabs, and another hub begins at zero.
 *
 * Each entry is counted once on either side: `entriesFound`, `entriesTaken` and `entriesRefused` together are
 * `entriesAcked`, all of `entriesDropped` and `entriesPending` together.
 */
export interface HubMetrics extends TransferCounts {
  /** Sockets dialled. */
  readonly connectAttempts: number;
  /** Connections that the server has welcomed. */
  readonly connectsDone: number;
  /** Attempts and connections that have failed, by the code of the error. */
  readonly connectionsEnded: Readonly<Partial<Record<ConnectionErrorCode, number>>>;
  /** Connections after the first, by what the one before had ended with. */
  readonly reconnects: Readonly<Partial<Record<ReconnectReason, number>>>;
  /** Messages received in topics, each once for all tabs. */
  readonly messagesReceived: number;
  /** Entries without a fate that an earlier hub had left in the store. */
  readonly entriesFound: number;
  /** Entries that the outbox has taken from tabs: each is stored with the next commit, but for volatile ones. */
  readonly entriesTaken: number;
  /** Entries of tabs that the outbox never took, as it was full, they had expired, or a volatile one could not go at once. */
  readonly entriesRefused: number;
  /** Entries that the server has acknowledged, volatile ones and those that were found included. */
  readonly entriesAcked: number;
  /** Entries found or taken that have no fate yet, and those whose failure is being stored. */
  readonly entriesPending: number;
  /** Entries that ended without having reached the server, refused ones included, by the code of the error. */
  readonly entriesDropped: Readonly<Partial<Record<ConnectionErrorCode, number>>>;
  /** Batches delivered to tabs. */
  readonly batchesDelivered: number;
  /** Of the heartbeat. */
  readonly roundTrips: DurationSummary;
}

/** What others than its meter count for a hub. */
export type OtherCounts = TransferCounts & Pick<HubMetrics, 'entriesRefused' | 'entriesPending'>;
