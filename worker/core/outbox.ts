import { errorData, queueFull, type ErrorData } from '../../src/protocol/errors.ts';
import { Deque } from './deque.ts';
import * as coreLimits from './limits.ts';

/** One outgoing message, as the store keeps it. */
export interface Entry {
  /** Outbox sequence: counts up over all tabs. */
  readonly seq: number;
  readonly tabId: string;
  readonly tabSeq: number;
  readonly id: string;
  readonly topic: string;
  /** The payload as JSON text, or as bytes. */
  readonly json?: string;
  readonly bytes?: ArrayBuffer;
  /** When the tab published it, and when it expires; milliseconds since the Unix epoch. */
  readonly ts: number;
  readonly expiresAt: number | null;
}

/** What a tab asks the outbox to take. */
export type EntryDraft = Omit<Entry, 'seq'>;

/** What happened to entries of one tab. */
export type EntryFate =
  | { readonly kind: 'stored'; readonly tabId: string; readonly upTo: number }
  | { readonly kind: 'acked'; readonly tabId: string; readonly upTo: number }
  | { readonly kind: 'failed'; readonly tabId: string; readonly tabSeq: number; readonly error: ErrorData };

interface Slot {
  readonly entry: Entry;
  /** Ended without an acknowledgement; leaves when the cumulative one passes it, or when there are many such. */
  failed: boolean;
}

/** Bounds of the outbox. */
export interface OutboxBounds {
  readonly maxEntries: number;
  readonly maxBytes: number;
}

/** What an entry counts against the bound of bytes: its payload, in UTF-16 code units or bytes. */
const entryBytes = (entry: Pick<Entry, 'json' | 'bytes'>): number =>
  entry.json?.length ?? entry.bytes?.byteLength ?? 0;

/**
 * The durable, ordered log of outgoing messages, as far as the hub holds it in memory. An entry goes to the
 * store first, then may be sent, and leaves with the server's cumulative acknowledgement.
 */
export class Outbox {
  readonly #slots = new Deque<Slot>();
  readonly #bounds: OutboxBounds;
  readonly #lastTabSeq = new Map<string, number>();
  #seq: number;
  #stored: number;
  /** Sent since the server last said what it has: it may have these, whatever the acknowledgement says. */
  #sent: number;
  #acked: number;
  /** Entries sent on this connection that have no fate yet. */
  #underWay = 0;
  #bytes = 0;
  #live = 0;

  constructor(bounds: OutboxBounds, lastSeq: number) {
    this.#bounds = bounds;
    this.#seq = this.#stored = this.#sent = this.#acked = lastSeq;
  }

  /** Entries that have no fate yet, and their bytes. */
  get pending(): { readonly entries: number; readonly bytes: number } {
    return { entries: this.#live, bytes: this.#bytes };
  }

  /** The cumulative acknowledgement that this hub has taken. */
  get acked(): number {
    return this.#acked;
  }

  /** Whether entries sent on this connection wait for their acknowledgement. */
  get isAwaitingAck(): boolean {
    return this.#underWay > 0;
  }

  /** The highest tab sequence taken from a tab; 0 for an unknown one. */
  lastTabSeq(tabId: string): number {
    return this.#lastTabSeq.get(tabId) ?? 0;
  }

  /** What a tab that attaches anew has to know of its entries. */
  tabSeqs(tabId: string): {
    readonly takenUpTo: number;
    readonly storedUpTo: number;
    readonly ackedUpTo: number;
  } {
    const takenUpTo = this.lastTabSeq(tabId);
    let [storedUpTo, ackedUpTo] = [takenUpTo, takenUpTo];
    for (const { entry, failed } of this.#slots) {
      if (entry.tabId !== tabId || failed) continue;
      ackedUpTo = Math.min(ackedUpTo, entry.tabSeq - 1);
      if (entry.seq > this.#stored) storedUpTo = Math.min(storedUpTo, entry.tabSeq - 1);
    }
    return { takenUpTo, storedUpTo, ackedUpTo };
  }

  /** Takes an entry: gives it with its sequence, or says why not. A repeated tab sequence is skipped. */
  append(draft: EntryDraft): Entry | 'repeated' | EntryFate {
    const { tabId, tabSeq } = draft;
    if (tabSeq <= this.lastTabSeq(tabId)) return 'repeated';
    this.#rememberTab(tabId, tabSeq);
    const bytes = entryBytes(draft);
    if (this.#live >= this.#bounds.maxEntries || this.#bytes + bytes > this.#bounds.maxBytes) {
      const error = queueFull('entries');
      return { kind: 'failed', tabId, tabSeq, error };
    }
    // Nobody acknowledges an entry that was never sent.
    if (this.#slots.length > 2 * this.#live + coreLimits.failedSlots)
      this.#slots.filter(({ failed }) => !failed);
    const entry: Entry = { ...draft, seq: (this.#seq += 1) };
    this.#slots.push({ entry, failed: false });
    this.#live += 1;
    this.#bytes += bytes;
    return entry;
  }

  /** The store has everything up to `seq`. */
  stored(seq: number): EntryFate[] {
    const fates = this.#cumulative('stored', this.#stored, seq);
    this.#stored = Math.max(this.#stored, seq);
    return fates;
  }

  /** A connection begins; the server holds everything up to `lastSeq`. Gives the fates that this settles. */
  resume(lastSeq: number): EntryFate[] {
    const fates = this.ack(lastSeq);
    this.#sent = this.#acked;
    this.#underWay = 0;
    return fates;
  }

  /**
   * The next entries to send, at most `window` unacknowledged in all and one turn's worth at a time. Expired
   * ones are failed instead: none of those was ever sent, or the server has said that it does not have them.
   */
  take(window: number, now: number): { readonly entries: Entry[]; readonly fates: EntryFate[] } {
    const entries: Entry[] = [];
    const fates: EntryFate[] = [];
    const room = Math.min(window - this.#underWay, coreLimits.entriesPerTurn);
    let index = this.#indexAfter(this.#sent);
    while (entries.length < room) {
      const slot = this.#slots.at(index);
      if (!slot || slot.entry.seq > this.#stored) break;
      index += 1;
      if (!slot.failed && isExpired(slot.entry, now)) fates.push(this.#fail(slot, expiredError));
      if (!slot.failed) entries.push(slot.entry);
      this.#sent = slot.entry.seq;
    }
    this.#underWay += entries.length;
    return { entries, fates };
  }

  /** Takes the server's cumulative acknowledgement. */
  ack(seq: number): EntryFate[] {
    const through = Math.min(seq, this.#seq);
    if (through <= this.#acked) return [];
    const fates = this.#cumulative('acked', this.#acked, through);
    for (let slot = this.#slots.at(0); slot && slot.entry.seq <= through; slot = this.#slots.at(0)) {
      this.#slots.shift();
      if (!slot.failed) this.#settle(slot.entry);
    }
    this.#acked = through;
    this.#sent = Math.max(this.#sent, through);
    this.#stored = Math.max(this.#stored, through);
    return fates;
  }

  /** One entry ends without an acknowledgement. */
  fail(seq: number, error: ErrorData): EntryFate[] {
    const slot = this.#slots.at(this.#indexAfter(seq - 1));
    return slot && slot.entry.seq === seq && !slot.failed ? [this.#fail(slot, error)] : [];
  }

  /** Fails the largest entry under way: what the `drop-entry` close action means, as frames hold many. */
  failLargestUnderWay(error: ErrorData): EntryFate[] {
    let largest: Slot | undefined;
    for (const slot of this.#slots) {
      if (slot.entry.seq > this.#sent) break;
      if (!slot.failed && (!largest || entryBytes(slot.entry) > entryBytes(largest.entry))) largest = slot;
    }
    return largest ? [this.#fail(largest, error)] : [];
  }

  /** Fails what has expired and was never sent, and says when the next entry will expire. */
  expire(now: number): { readonly fates: EntryFate[]; readonly nextAt: number | null } {
    const fates: EntryFate[] = [];
    let nextAt: number | null = null;
    for (let index = this.#indexAfter(this.#sent); index < this.#slots.length; index++) {
      const slot = this.#slots.at(index)!;
      const { expiresAt } = slot.entry;
      if (slot.failed || expiresAt === null) continue;
      if (expiresAt <= now) fates.push(this.#fail(slot, expiredError));
      else nextAt = Math.min(nextAt ?? expiresAt, expiresAt);
    }
    return { fates, nextAt };
  }

  #fail(slot: Slot, error: ErrorData): EntryFate {
    slot.failed = true;
    this.#settle(slot.entry);
    const { tabId, tabSeq } = slot.entry;
    return { kind: 'failed', tabId, tabSeq, error };
  }

  #settle(entry: Entry): void {
    if (entry.seq <= this.#sent) this.#underWay -= 1;
    this.#live -= 1;
    this.#bytes -= entryBytes(entry);
  }

  #indexAfter(seq: number): number {
    return this.#slots.search((slot) => slot.entry.seq > seq);
  }

  /** The highest tab sequence of each tab among the entries after `from` up to `through`. */
  #cumulative(kind: 'stored' | 'acked', from: number, through: number): EntryFate[] {
    const upTo = new Map<string, number>();
    for (let index = this.#indexAfter(from); index < this.#slots.length; index++) {
      const { entry } = this.#slots.at(index)!;
      if (entry.seq > through) break;
      upTo.set(entry.tabId, entry.tabSeq);
    }
    return Array.from(upTo, ([tabId, tabSeq]) => ({ kind, tabId, upTo: tabSeq }));
  }

  #rememberTab(tabId: string, tabSeq: number): void {
    this.#lastTabSeq.delete(tabId);
    this.#lastTabSeq.set(tabId, tabSeq);
    if (this.#lastTabSeq.size > coreLimits.rememberedTabs) {
      this.#lastTabSeq.delete(this.#lastTabSeq.keys().next().value!);
    }
  }
}

const expiredError = errorData('expired', 'its ttlMs passed');
const isExpired = (entry: Entry, now: number) => entry.expiresAt !== null && entry.expiresAt <= now;
