import type { Position } from '../hub-api.ts';
import type { Entry, FailureRecord, StoreChange, StoredOutbox } from '../store-types.ts';

/** What a store holds that was never used. */
export const emptyStore: StoredOutbox = {
  clientId: 'client',
  clientEpoch: 3,
  lastSeq: 0,
  acked: 0,
  entries: [],
  held: [],
  tabSeqs: [],
  failures: [],
  cursors: [],
  owner: null,
};

/** The simplest store there can be: does what each change says, and remembers everything. */
export class PlainStore {
  readonly #entries = new Map<number, Entry>();
  readonly #held = new Map<number, Entry>();
  readonly #tabSeqs = new Map<string, number>();
  readonly #cursors = new Map<string, Position>();
  #failures: FailureRecord[] = [];
  #acked = 0;
  #owner: string | null = null;
  #openings = 0;
  #lastSeq = 0;

  write(change: StoreChange): void {
    if (change.purge) {
      this.#entries.clear();
      this.#held.clear();
      this.#cursors.clear();
      this.#failures = [];
    }
    for (const entry of change.entries) {
      if (entry.seq <= this.#lastSeq) throw new Error(`sequence ${entry.seq} after ${this.#lastSeq}`);
      this.#lastSeq = entry.seq;
      this.#entries.set(entry.seq, entry);
    }
    for (const entry of change.held) {
      this.#lastSeq = Math.max(this.#lastSeq, entry.seq);
      this.#held.set(entry.seq, entry);
    }
    for (const seq of change.heldRemoved) this.#held.delete(seq);
    for (const seq of change.removed) this.#entries.delete(seq);
    for (const [tabId, tabSeq] of change.tabSeqs) this.#tabSeqs.set(tabId, tabSeq);
    for (const [topic, position] of change.cursors) this.#cursors.set(topic, position);
    this.#failures.push(...change.failures);
    this.#owner = change.owner ?? this.#owner;
    this.#acked = change.acked ?? this.#acked;
    for (const seq of this.#entries.keys()) if (seq <= this.#acked) this.#entries.delete(seq);
  }

  /** Opens it, for the next hub. Sequences begin at 1 with the first one. */
  open(): StoredOutbox {
    this.#lastSeq = Math.max(this.#lastSeq, this.#openings * 2 ** 32);
    this.#openings += 1;
    return {
      clientId: emptyStore.clientId,
      clientEpoch: this.#openings,
      lastSeq: this.#lastSeq,
      acked: this.#acked,
      entries: [...this.#entries.values()],
      held: [...this.#held.values()].toSorted((a, b) => a.seq - b.seq),
      tabSeqs: [...this.#tabSeqs],
      failures: [...this.#failures],
      cursors: [...this.#cursors],
      owner: this.#owner,
    };
  }
}
