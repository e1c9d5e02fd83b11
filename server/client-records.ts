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

/** What is remembered of one client between its connections. */
export interface ClientMemory {
  readonly epoch: number;
  readonly lastSeq: number;
  /** Oldest first; undefined, too, where there are none: there is one of these for each client. */
  readonly refusals: readonly RecordedRefusal[] | undefined;
  /** When it disconnected; undefined while it is connected. */
  readonly idleSince: number | undefined;
}

interface ClientRecord {
  epoch: number;
  lease: number;
  /** A publish of this lease was rejected: what follows it must not pass for the proof that it was handled. */
  isBroken: boolean;
  lastSeq: number;
  refusals: RecordedRefusal[] | undefined;
  idleSince: number | undefined;
}

/** What a memory of clients that outlives the process has to be told. */
export interface ClientRecordsOptions {
  /** Leases begin above this one. Default 0. */
  readonly leases?: number;
  /** A client was forgotten. */
  readonly forgotten?: (key: string) => void;
}

/** Remembers per client the newest epoch, the last handled sequence and the recent refusals. */
export class ClientRecords {
  readonly #clock: Clock;
  readonly #bounds: ClientBounds;
  readonly #connected = new Map<string, ClientRecord>();
  /** In the order of disconnecting, so that the first is the first to be forgotten. */
  readonly #idle = new Map<string, ClientRecord>();
  readonly #forgotten: ((key: string) => void) | undefined;
  #leases: number;

  constructor(clock: Clock, bounds: ClientBounds, { leases = 0, forgotten }: ClientRecordsOptions = {}) {
    this.#clock = clock;
    this.#bounds = bounds;
    this.#leases = leases;
    this.#forgotten = forgotten;
  }

  /** What is remembered of a client, where there is anything. */
  memory(key: string): ClientMemory | undefined {
    return this.#find(key);
  }

  /** Takes over what was remembered before this process. Clients come in the order of disconnecting. */
  restore(key: string, { epoch, lastSeq, refusals, idleSince = this.#clock.now() }: ClientMemory): void {
    this.#idle.set(key, { ...newRecord(epoch), lastSeq, refusals: refusals && [...refusals], idleSince });
    this.#forget();
  }

  /** Lets nothing more of the present lease take effect, until the client is opened again. */
  breakLease(key: string): void {
    const record = this.#find(key);
    if (record) record.isBroken = true;
  }

  /** Goes back to what is known for certain. */
  revert(key: string, known: ClientMemory | undefined): void {
    const record = this.#find(key);
    if (!record) return;
    record.epoch = known?.epoch ?? 0;
    record.lastSeq = known?.lastSeq ?? 0;
    record.refusals = known?.refusals && [...known.refusals];
  }

  /** Whether nothing more of this lease may take effect, because a publish of it was rejected. */
  isBroken({ key, lease }: ClientSequence): boolean {
    const record = this.#find(key);
    return record?.lease === lease && record.isBroken;
  }

  /** See {@link Backbone.openClient}. */
  open({ key, epoch, acked }: ClientOpening): OpenResult {
    this.#forget();
    const record = this.#find(key) ?? newRecord(epoch);
    if (epoch < record.epoch) return { kind: 'stale', epoch: record.epoch };
    this.#idle.delete(key);
    this.#connected.set(key, record);
    record.epoch = epoch;
    record.lease = ++this.#leases;
    record.isBroken = false;
    record.idleSince = undefined;
    // A client can hold an acknowledgement that this memory does not: it was lost in between.
    record.lastSeq = Math.max(record.lastSeq, acked);
    record.refusals = record.refusals?.filter((refusal) => refusal.seq > acked);
    const { lease, lastSeq } = record;
    return { kind: 'open', lease, lastSeq, refusals: [...(record.refusals ?? [])] };
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
    const record = this.#find(key);
    if (record?.lease !== lease) return { kind: 'fenced' };
    return seq <= record.lastSeq ? { kind: 'duplicate', lastSeq: record.lastSeq } : undefined;
  }

  /** Remembers a sequence without a problem as handled. */
  advance({ key, seq }: ClientSequence, refusal?: Refusal): void {
    const record = this.#find(key);
    if (!record) return;
    record.lastSeq = seq;
    if (!refusal) return;
    record.refusals ??= [];
    record.refusals.push({ seq, ...refusal });
    if (record.refusals.length > protocolLimits.rejected) record.refusals.shift();
  }

  #find(key: string): ClientRecord | undefined {
    return this.#connected.get(key) ?? this.#idle.get(key);
  }

  #forget(): void {
    const before = this.#clock.now() - this.#bounds.clientMemoryMs;
    for (const [key, record] of this.#idle) {
      if ((record.idleSince ?? 0) > before && this.#idle.size <= this.#bounds.clients) return;
      this.#idle.delete(key);
      this.#forgotten?.(key);
    }
  }
}

const newRecord = (epoch: number): ClientRecord => ({
  epoch,
  lease: 0,
  isBroken: false,
  lastSeq: 0,
  refusals: undefined,
  idleSince: undefined,
});
