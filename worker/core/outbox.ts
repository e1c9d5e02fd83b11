import { queueFull, type ErrorData } from '../../src/protocol/errors.ts';
import { Deque } from './deque.ts';
import { expiredError, madeRoomError, notOpenError, supersededError } from './entry-errors.ts';
import type { QueuePolicy } from './hub-api.ts';
import { failureOf, type EntryFate, type Journal } from './journal.ts';
import * as coreLimits from './limits.ts';
import { entryBytes, isExpired, OutboxSlots, type EntryDraft, type Slot } from './outbox-slots.ts';
import type { Entry, StoredOutbox } from './store-types.ts';
import { TabSeqs, type TabProgress } from './tab-seqs.ts';

/**
 * The durable, ordered log of outgoing messages, as far as the hub holds it in memory. An entry goes to the store
 * first, then may be sent, and leaves with the server's cumulative acknowledgement. What is to be written and told
 * goes into the journal.
 */
export class Outbox {
  readonly #slots = new OutboxSlots();
  /** Failures that the store does not know of yet, in the order of the journal. */
  readonly #ending = new Deque<Slot>();
  readonly #queue: QueuePolicy;
  readonly #journal: Journal;
  readonly #tabSeqs: TabSeqs;
  #seq: number;
  #stored: number;
  /** Sent since the server last said what it has: it may have these, whatever the acknowledgement says. */
  #sent: number;
  #acked: number;
  /** Every unsent entry up to here has failed. */
  #dropped = 0;
  /** Entries up to `#sent` that have no fate yet, and their bytes. */
  #underWay = 0;
  #bytesUnderWay = 0;

  constructor(
    queue: QueuePolicy,
    { lastSeq, acked, entries, tabSeqs }: Pick<StoredOutbox, 'lastSeq' | 'acked' | 'entries' | 'tabSeqs'>,
    journal: Journal,
  ) {
    this.#queue = queue;
    this.#journal = journal;
    this.#tabSeqs = new TabSeqs(tabSeqs);
    this.#acked = acked;
    this.#seq = this.#stored = this.#sent = lastSeq;
    for (const entry of entries) if (entry.seq > acked) this.#slots.add(entry, false);
    // An earlier hub may have sent all of them.
    this.#underWay = this.#slots.entries;
    this.#bytesUnderWay = this.#slots.bytes;
  }

  /** Entries that have no fate yet, and their bytes. */
  get pending(): { readonly entries: number; readonly bytes: number } {
    const { entries, bytes } = this.#slots;
    return { entries, bytes };
  }

  /** The cumulative acknowledgement that this hub has taken. */
  get acked(): number {
    return this.#acked;
  }

  get lastSeq(): number {
    return this.#seq;
  }

  get storedSeq(): number {
    return this.#stored;
  }

  /** Whether entries that were sent wait for their acknowledgement. */
  get isAwaitingAck(): boolean {
    return this.#underWay > 0;
  }

  /** The highest tab sequence taken from a tab; 0 for an unknown one. */
  lastTabSeq(tabId: string): number {
    return this.#tabSeqs.last(tabId);
  }

  /** What a tab that attaches anew has to know of its entries. */
  tabSeqs(tabId: string): TabProgress {
    // Failures that an acknowledgement has passed are among the ending ones alone.
    return this.#tabSeqs.progress(tabId, this.#stored, [this.#slots, this.#ending]);
  }

  /** Takes an entry into the log, or refuses it. False if it has to wait until there is room. */
  append(draft: EntryDraft): boolean {
    const bytes = entryBytes(draft);
    const isStoring = ({ entry }: Slot) => entry.seq > this.#stored && entry.seq <= this.#journal.writtenSeq;
    const older = this.#slots.superseded(draft, this.#sent, isStoring);
    const freedBytes = older.reduce((sum, { entry }) => sum + entryBytes(entry), 0);
    if (!this.#fits(1 - older.length, bytes - freedBytes)) {
      const { whenFull, maxBytes } = this.#queue;
      if (whenFull === 'block' && bytes <= maxBytes) return false;
      if (whenFull !== 'drop-oldest' || !this.#makeRoom(bytes)) {
        this.refuse(draft, queueFull('entries'));
        return true;
      }
    }
    for (const slot of older) if (slot.state === 'live') this.#fail(slot, supersededError);
    const entry: Entry = { ...draft, seq: (this.#seq += 1) };
    this.#tabSeqs.remember(draft);
    this.#slots.add(entry, false);
    this.#journal.append(entry);
    return true;
  }

  /** Takes an entry that is never stored, and fails it unless it can be sent at once. */
  appendVolatile(draft: EntryDraft, window: number): void {
    this.#tabSeqs.remember(draft);
    if (this.#slots.entries < window && this.#fits(1, entryBytes(draft))) {
      this.#slots.add({ ...draft, seq: (this.#seq += 1) }, true);
    } else {
      this.#journal.tell({ kind: 'failed', ...failureOf(draft, notOpenError) });
    }
  }

  /** Refuses an entry: its tab sequence is taken, and its failure told at once. */
  refuse(draft: EntryDraft, error: ErrorData): void {
    this.#tabSeqs.remember(draft);
    this.#journal.refuse(failureOf(draft, error));
  }

  /** The store has everything up to `through`, and knows of so many more failures. */
  stored({ through, failures }: { readonly through: number; readonly failures: number }): void {
    this.#stored = Math.max(this.#stored, through);
    for (let count = 0; count < failures; count++) this.#ending.shift()!.state = 'ended';
  }

  /** A connection begins; the server holds everything up to `lastSeq`. */
  resume(lastSeq: number): void {
    this.ack(lastSeq);
    this.#sent = this.#dropped = this.#acked;
    this.#underWay = this.#bytesUnderWay = 0;
  }

  /**
   * The next entries to send, within the session's windows and one turn's worth at a time. Expired ones and those that do not fit are failed instead, and none is sent before the failure of the one before it is
   * stored: to a later hub, the acknowledgement of the one would be that of the other.
   */
  take(
    { window, windowBytes }: { readonly window: number; readonly windowBytes: number },
    now: number,
    whyNot: (entry: Entry) => ErrorData | undefined,
  ): Entry[] {
    const entries: Entry[] = [];
    let hasFailed = false;
    const room = Math.min(window - this.#underWay, coreLimits.entriesPerTurn);
    let index = this.#slots.indexAfter(this.#sent);
    while (entries.length < room && this.#bytesUnderWay < windowBytes) {
      const slot = this.#slots.at(index);
      if (!slot || slot.state === 'ending' || (slot.entry.seq > this.#stored && !slot.isVolatile)) break;
      if (slot.state === 'live') {
        const error = isExpired(slot.entry, now) ? expiredError : whyNot(slot.entry);
        if (error) {
          this.#fail(slot, error);
          hasFailed = true;
        } else if (hasFailed) {
          break;
        }
      }
      index += 1;
      if (hasFailed) continue;
      this.#sent = slot.entry.seq;
      if (slot.state === 'ended') continue;
      entries.push(slot.entry);
      this.#underWay += 1;
      this.#bytesUnderWay += entryBytes(slot.entry);
    }
    return entries;
  }

  /** Takes the server's cumulative acknowledgement. */
  ack(seq: number): void {
    const through = Math.min(seq, this.#seq);
    if (through <= this.#acked) return;
    const upTo = new Map<string, number>();
    for (let slot = this.#slots.at(0); slot && slot.entry.seq <= through; slot = this.#slots.at(0)) {
      const { tabId, tabSeq } = slot.entry;
      this.#slots.shift();
      upTo.set(tabId, tabSeq);
      if (slot.state === 'live') this.#settle(slot, 'ended');
    }
    this.#acked = through;
    this.#sent = Math.max(this.#sent, through);
    this.#stored = Math.max(this.#stored, through);
    const fates = Array.from(upTo, ([tabId, last]): EntryFate => ({ kind: 'acked', tabId, upTo: last }));
    this.#journal.acked(through, fates, this.#ending.length > 0);
  }

  /** One entry ends without an acknowledgement. */
  fail(seq: number, error: ErrorData): void {
    const slot = this.#slots.at(this.#slots.indexAfter(seq - 1));
    if (slot?.entry.seq === seq && slot.state === 'live') this.#fail(slot, error);
  }

  /** Fails the largest entry under way: what the `drop-entry` close action means, as frames hold many. */
  failLargestUnderWay(error: ErrorData): void {
    let largest: Slot | undefined;
    for (const slot of this.#slots) {
      if (slot.entry.seq > this.#sent) break;
      if (slot.state !== 'live') continue;
      if (!largest || entryBytes(slot.entry) > entryBytes(largest.entry)) largest = slot;
    }
    if (largest) this.#fail(largest, error);
  }

  /** The session is over: what was never stored is not sent again. */
  failVolatile(): void {
    if (this.#slots.volatileCount > 0) this.#failAll(notOpenError, ({ isVolatile }) => isVolatile);
  }

  /** Fails everything that has no fate yet. */
  failAll(error: ErrorData): void {
    this.#failAll(error, () => true);
  }

  /** Fails what has expired and was never sent, and says when the next entry will expire. */
  expire(now: number): number {
    let nextAt = Infinity;
    this.#failAll(expiredError, ({ entry }) => {
      if (entry.seq <= this.#sent) return false;
      const isOver = isExpired(entry, now);
      if (!isOver && entry.expiresAt !== null) nextAt = Math.min(nextAt, entry.expiresAt);
      return isOver;
    });
    return nextAt;
  }

  /** Fails an entry that was not sent, and cannot have been. False if there is none. */
  withdraw(id: string, error: ErrorData): boolean {
    const seq = this.seqOf(id) ?? 0;
    if (seq <= this.#sent) return false;
    this.fail(seq, error);
    return true;
  }

  /** The sequence of a stored entry that has no fate yet. */
  seqOf(id: string): number | undefined {
    for (const { entry, isVolatile, state } of this.#slots) {
      if (state === 'live' && !isVolatile && entry.id === id) return entry.seq;
    }
    return undefined;
  }

  /** Whether the failure of an entry is being stored; of any, without an id. */
  isEnding(id?: string): boolean {
    if (id === undefined) return this.#ending.length > 0;
    return [...this.#ending].some(({ entry }) => entry.id === id);
  }

  /** All entries of the log that have no fate yet, and whether the server may have them. */
  list(): { readonly entry: Entry; readonly isSent: boolean }[] {
    const live = [...this.#slots].filter(({ state, isVolatile }) => state === 'live' && !isVolatile);
    return live.map(({ entry }) => ({ entry, isSent: entry.seq <= this.#sent }));
  }

  #fits(entries: number, bytes: number): boolean {
    const { maxEntries, maxBytes } = this.#queue;
    return (
      this.#slots.entries + entries <= maxEntries &&
      this.#slots.bytes + bytes <= maxBytes &&
      this.#ending.length < coreLimits.keptFailures
    );
  }

  /** Fails the oldest unsent entries until there is room; none of them, if there would not be enough. */
  #makeRoom(bytes: number): boolean {
    const { maxEntries, maxBytes } = this.#queue;
    if (this.#underWay >= maxEntries || this.#bytesUnderWay + bytes > maxBytes) return false;
    let index = this.#slots.indexAfter(Math.max(this.#sent, this.#dropped));
    while (this.#slots.entries >= maxEntries || this.#slots.bytes + bytes > maxBytes) {
      const slot = this.#slots.at(index)!;
      index += 1;
      this.#dropped = slot.entry.seq;
      if (slot.state === 'live') this.#fail(slot, madeRoomError);
    }
    return this.#fits(1, bytes);
  }

  #failAll(error: ErrorData, isMeant: (slot: Slot) => boolean): void {
    for (const slot of this.#slots) if (slot.state === 'live' && isMeant(slot)) this.#fail(slot, error);
  }

  #fail(slot: Slot, error: ErrorData): void {
    const { entry, isVolatile } = slot;
    this.#settle(slot, isVolatile ? 'ended' : 'ending');
    if (isVolatile) return this.#journal.tell({ kind: 'failed', ...failureOf(entry, error) });
    this.#ending.push(slot);
    this.#journal.fail(entry, error);
  }

  #settle(slot: Slot, state: 'ending' | 'ended'): void {
    this.#slots.settle(slot, state);
    if (slot.entry.seq > this.#sent) return;
    this.#underWay -= 1;
    this.#bytesUnderWay -= entryBytes(slot.entry);
  }
}
