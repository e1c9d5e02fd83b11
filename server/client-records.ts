import * as protocolLimits from '../src/protocol/limits.ts';
import type {
  ClientOpening,
  ClientSequence,
  OpenResult,
  RecordedRefusal,
  SequenceProblem,
} from './backbone.ts';
import type { Clock } from './clock.ts';
import type { Refusal } from './request-error.ts';

/** Bounds of the memory of clients. */
export interface ClientBounds {
  readonly clients: number;
  readonly clientMemoryMs: number;
}

/** What is remembered of one client. */
interface ClientRecord {
  epoch: number;
  lease: number;
  lastSeq: number;
  refusals: RecordedRefusal[];
  idleSince: number;
}

/** Remembers per client the newest epoch, the last handled sequence and the recent refusals. */
export class ClientRecords {
  readonly #clock: Clock;
  readonly #bounds: ClientBounds;
  readonly #connected = new Map<string, ClientRecord>();
  /** In the order of disconnecting, so that the first is the first to be forgotten. */
  readonly #idle = new Map<string, ClientRecord>();
  #leases = 0;

  constructor(clock: Clock, bounds: ClientBounds) {
    this.#clock = clock;
    this.#bounds = bounds;
  }

  /** See {@link Backbone.openClient}. */
  open({ key, epoch, acked }: ClientOpening): OpenResult {
    this.#forget();
    const record = this.#connected.get(key) ?? this.#idle.get(key) ?? newRecord(epoch);
    if (epoch < record.epoch) return { kind: 'stale', epoch: record.epoch };
    this.#idle.delete(key);
    this.#connected.set(key, record);
    record.epoch = epoch;
    record.lease = ++this.#leases;
    // A client can hold an acknowledgement that this memory does not: it was lost in between.
    record.lastSeq = Math.max(record.lastSeq, acked);
    record.refusals = record.refusals.filter((refusal) => refusal.seq > acked);
    const { lease, lastSeq } = record;
    return { kind: 'open', lease, lastSeq, refusals: [...record.refusals] };
  }

  /** See {@link Backbone.closeClient}. */
  close(key: string, lease: number): void {
    const record = this.#connected.get(key);
    if (!record || record.lease !== lease) return;
    this.#connected.delete(key);
    record.idleSince = this.#clock.now();
    this.#idle.set(key, record);
    this.#forget();
  }

  /**
   * Says why a sequence is not taken; undefined when it is. No record is lost under a live lease here: only
   * those of closed clients are forgotten.
   */
  problem({ key, lease, seq }: ClientSequence): SequenceProblem | undefined {
    const record = this.#connected.get(key) ?? this.#idle.get(key);
    if (record?.lease !== lease) return { kind: 'fenced' };
    return seq <= record.lastSeq ? { kind: 'duplicate', lastSeq: record.lastSeq } : undefined;
  }

  /** Remembers a sequence without a problem as handled. */
  advance({ key, seq }: ClientSequence, refusal?: Refusal): void {
    const record = this.#connected.get(key) ?? this.#idle.get(key);
    if (!record) return;
    record.lastSeq = seq;
    if (!refusal) return;
    record.refusals.push({ seq, ...refusal });
    if (record.refusals.length > protocolLimits.rejected) record.refusals.shift();
  }

  #forget(): void {
    const before = this.#clock.now() - this.#bounds.clientMemoryMs;
    for (const [key, record] of this.#idle) {
      if (record.idleSince > before && this.#idle.size <= this.#bounds.clients) return;
      this.#idle.delete(key);
    }
  }
}

const newRecord = (epoch: number): ClientRecord => ({
  epoch,
  lease: 0,
  lastSeq: 0,
  refusals: [],
  idleSince: 0,
});
