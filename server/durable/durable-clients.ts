import * as protocolLimits from '../../src/protocol/limits.ts';
import type { ClientOpening, ClientSequence, OpenResult, SequenceProblem } from '../backbone.ts';
import { ClientRecords, type ClientBounds } from '../client-records.ts';
import type { Clock } from '../clock.ts';
import type { Refusal } from '../request-error.ts';
import * as durableLimits from './limits.ts';
import type { RecordStore, StoreChange } from './record-store.ts';

type RefusalChange = Extract<StoreChange, { readonly kind: 'refusal' | 'forget-refusals' }>;

/** The client records of a durable backbone, and what the transaction under way changes in them. */
export class DurableClients {
  readonly #store: RecordStore;
  readonly #records: ClientRecords;
  readonly #changed = new Set<string>();
  readonly #forgotten = new Set<string>();
  #refusals: RefusalChange[] = [];

  constructor(store: RecordStore, bounds: ClientBounds, clock: Clock) {
    this.#store = store;
    this.#records = new ClientRecords(clock, bounds, {
      leases: store.starts * durableLimits.leasesPerStart,
      forgotten: (key) => {
        this.#changed.delete(key);
        this.#refusals = this.#refusals.filter((change) => change.key !== key);
        this.#forgotten.add(key);
      },
    });
    this.#load();
  }

  open(opening: ClientOpening): OpenResult {
    const { key, acked } = opening;
    const hadRefusals = (this.#records.memory(key)?.refusals?.length ?? 0) > 0;
    const result = this.#records.open(opening);
    if (result.kind === 'stale') return result;
    this.#changed.add(key);
    if (hadRefusals) this.#refusals.push({ kind: 'forget-refusals', key, upTo: acked });
    return result;
  }

  close(key: string, lease: number): void {
    this.#records.close(key, lease);
    if (this.#records.memory(key)?.idleSince !== undefined) this.#changed.add(key);
  }

  /** Throws where a publish of this lease was rejected before. */
  problem(client: ClientSequence): SequenceProblem | undefined {
    if (this.#records.isBroken(client)) throw new Error('an earlier publish of this connection failed');
    return this.#records.problem(client);
  }

  advance(client: ClientSequence, refusal?: Refusal): void {
    this.#records.advance(client, refusal);
    const { key, seq } = client;
    this.#changed.add(key);
    if (!refusal) return;
    // One more than none: it has just been remembered.
    const refusals = this.#records.memory(key)!.refusals!;
    this.#refusals.push({ kind: 'refusal', key, refusal: refusals.at(-1)! });
    if (refusals.length >= protocolLimits.rejected && refusals[0]!.seq < seq)
      this.#refusals.push({ kind: 'forget-refusals', key, upTo: refusals[0]!.seq - 1 });
  }

  /** Takes nothing more of the present lease, for a publish of it was rejected. */
  breakLease(key: string): void {
    this.#records.breakLease(key);
  }

  /** The changes of the transaction under way. */
  changes(): StoreChange[] {
    const changes: StoreChange[] = [];
    // First, for one that was forgotten can have come back as a new client.
    for (const key of this.#forgotten) changes.push({ kind: 'forget-client', key });
    changes.push(...this.#refusals);
    for (const key of this.#changed) {
      const { epoch, lastSeq, idleSince } = this.#records.memory(key)!;
      const client = { key, epoch, lastSeq, idleSince };
      changes.push({ kind: 'client', client });
    }
    return changes;
  }

  /** The transaction is durable. */
  committed(): void {
    this.#forgotten.clear();
    this.#changed.clear();
    this.#refusals = [];
  }

  /** The transaction failed: what the store has is what counts. */
  failed(): void {
    const changed = [...this.#changed];
    this.#changed.clear();
    this.#refusals = [];
    for (const key of changed) this.#records.breakLease(key);
    for (const key of changed) this.#records.revert(key, this.#store.client(key));
  }

  #load(): void {
    const known = [...this.#store.clients()];
    // One that was connected when the process ended has been disconnected since now.
    const since = (idleSince: number | undefined) => idleSince ?? Infinity;
    known.sort((a, b) => since(a.memory.idleSince) - since(b.memory.idleSince));
    for (const { key, memory } of known) this.#records.restore(key, memory);
  }
}
