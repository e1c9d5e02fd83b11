import type { ConnectionErrorCode } from '../../src/protocol/errors.ts';
import type { DurationSummary, HubMetrics, OtherCounts, ReconnectReason } from './metrics-types.ts';

/** Sums durations up. */
export class DurationMeter {
  #count = 0;
  #sumMs = 0;
  #maxMs = 0;
  #lastMs: number | null = null;

  add(durationMs: number): void {
    this.#count += 1;
    this.#sumMs += durationMs;
    this.#maxMs = Math.max(this.#maxMs, durationMs);
    this.#lastMs = durationMs;
  }

  summary(): DurationSummary {
    const meanMs = this.#count === 0 ? null : this.#sumMs / this.#count;
    return { count: this.#count, meanMs, maxMs: this.#maxMs, lastMs: this.#lastMs };
  }
}

/** What a hub counts since it began. Each count is an addition; names come from fixed sets. */
export class HubMeter {
  connectAttempts = 0;
  connectsDone = 0;
  messagesReceived = 0;
  entriesFound = 0;
  entriesTaken = 0;
  entriesAcked = 0;
  batchesDelivered = 0;
  readonly roundTrips = new DurationMeter();
  readonly #endings: Partial<Record<ConnectionErrorCode, number>> = {};
  readonly #reconnects: Partial<Record<ReconnectReason, number>> = {};
  readonly #dropped: Partial<Record<ConnectionErrorCode, number>> = {};
  /** Why the connection before ended; null before the first has, and once it is counted. */
  #reason: ReconnectReason | null = null;

  /** A connection, or an attempt, has failed. Attempts that fail are not why a connection is needed again. */
  connectionEnded(code: ConnectionErrorCode, wasOpen: boolean): void {
    this.#endings[code] = (this.#endings[code] ?? 0) + 1;
    if (wasOpen) this.#reason = code;
  }

  /** The app wants another connection. */
  reconnectAsked(): void {
    if (this.connectsDone > 0) this.#reason = 'asked';
  }

  /** The server has said welcome. */
  connected(): void {
    this.connectsDone += 1;
    if (this.#reason) this.#reconnects[this.#reason] = (this.#reconnects[this.#reason] ?? 0) + 1;
    this.#reason = null;
  }

  /** An entry ended without having reached the server. */
  dropped(code: ConnectionErrorCode): void {
    this.#dropped[code] = (this.#dropped[code] ?? 0) + 1;
  }

  /** All counts, with those that others make. */
  metrics(others: OtherCounts): HubMetrics {
    const { connectAttempts, connectsDone, messagesReceived, batchesDelivered } = this;
    const { entriesFound, entriesTaken, entriesAcked } = this;
    return {
      connectAttempts,
      connectsDone,
      connectionsEnded: { ...this.#endings },
      reconnects: { ...this.#reconnects },
      messagesReceived,
      entriesFound,
      entriesTaken,
      entriesAcked,
      entriesDropped: { ...this.#dropped },
      batchesDelivered,
      roundTrips: this.roundTrips.summary(),
      ...others,
    };
  }
}
