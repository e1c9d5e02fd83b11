import { Deque } from '../core/deque.ts';
import type { Position } from '../core/hub-api.ts';
import type { Entry, FailureRecord, StoreChange } from '../core/store-types.ts';
import * as storeLimits from './limits.ts';

/** Several changes as one: what they do together, without what they undo of each other. */
export class ChangeSet {
  /** In the order of their sequences. Those in `#gone` have been removed again: a map by sequence costs far more. */
  #entries = new Deque<Entry>();
  readonly #gone = new Set<number>();
  readonly #held = new Map<number, Entry>();
  /** Of entries that this set adds, too: the write of one that failed may have been stored all the same. */
  readonly #heldRemoved = new Set<number>();
  readonly #tabSeqs = new Map<string, number>();
  readonly #removed = new Set<number>();
  readonly #cursors = new Map<string, Position>();
  #failures: FailureRecord[] = [];
  #acked: number | null = null;
  #purge = false;
  #owner: string | null = null;

  /** Takes the change that comes after all those before. */
  add(change: StoreChange): void {
    if (change.purge) {
      this.#purge = true;
      this.#entries = new Deque();
      this.#gone.clear();
      this.#held.clear();
      this.#heldRemoved.clear();
      this.#removed.clear();
      this.#cursors.clear();
      this.#failures = [];
    }
    for (const entry of change.entries) this.#entries.push(entry);
    for (const seq of change.removed) this.#remove(seq);
    for (const entry of change.held) {
      this.#held.set(entry.seq, entry);
      // One that was to go into the log, and stays.
      this.#heldRemoved.delete(entry.seq);
    }
    for (const seq of change.heldRemoved) {
      this.#held.delete(seq);
      this.#heldRemoved.add(seq);
    }
    setNewest(this.#tabSeqs, change.tabSeqs, storeLimits.tabs);
    setNewest(this.#cursors, change.cursors, storeLimits.cursors);
    if (change.failures.length > 0) {
      this.#failures.push(...change.failures);
      if (this.#failures.length > 2 * storeLimits.failures) this.#trim();
    }
    this.#owner = change.owner ?? this.#owner;
    if (change.acked !== null) this.#ack(change.acked);
  }

  /** All of them as one change. */
  merged(): StoreChange {
    this.#trim();
    return {
      entries: this.#live(),
      held: [...this.#held.values()],
      heldRemoved: [...this.#heldRemoved],
      tabSeqs: [...this.#tabSeqs],
      removed: [...this.#removed],
      failures: [...this.#failures],
      acked: this.#acked,
      cursors: [...this.#cursors],
      purge: this.#purge,
      owner: this.#owner,
    };
  }

  /** Whether there is nothing for the server in it. */
  get hasNoEntries(): boolean {
    return this.#entries.length === this.#gone.size && this.#held.size === 0;
  }

  /** Forgets what was removed from before the first change: for a set that began with everything. */
  forgetRemoved(): void {
    this.#removed.clear();
    this.#heldRemoved.clear();
  }

  #ack(acked: number): void {
    this.#acked = Math.max(acked, this.#acked ?? 0);
    for (let first = this.#entries.at(0); first && first.seq <= acked; first = this.#entries.at(0)) {
      this.#gone.delete(first.seq);
      this.#entries.shift();
    }
    for (const seq of this.#removed) if (seq <= acked) this.#removed.delete(seq);
  }

  #live(): Entry[] {
    const entries = [...this.#entries];
    return this.#gone.size > 0 ? entries.filter(({ seq }) => !this.#gone.has(seq)) : entries;
  }

  #remove(seq: number): void {
    const index = this.#entries.search((entry) => entry.seq >= seq);
    if (this.#entries.at(index)?.seq !== seq) {
      this.#removed.add(seq);
      return;
    }
    this.#gone.add(seq);
    if (this.#gone.size * 2 < this.#entries.length) return;
    this.#entries.filter((entry) => !this.#gone.has(entry.seq));
    this.#gone.clear();
  }

  #trim(): void {
    this.#failures = this.#failures.slice(-storeLimits.failures);
  }
}

/** Puts the newest last, and drops the oldest beyond the limit. */
function setNewest<V>(map: Map<string, V>, items: readonly (readonly [string, V])[], limit: number): void {
  for (const [key, value] of items) {
    map.delete(key);
    map.set(key, value);
    if (map.size > limit) map.delete(map.keys().next().value!);
  }
}
