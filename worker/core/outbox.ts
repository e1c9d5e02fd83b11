import { queueFull, type ErrorData } from '../../src/protocol/errors.ts';
import { Deque } from './deque.ts';
import { expiredError, madeRoomError, notOpenError, supersededError } from './entry-errors.ts';
import { Held } from './held.ts';
import type { QueuePolicy } from './hub-api.ts';
import { failureOf, type EntryFate, type Journal } from './journal.ts';
import * as coreLimits from './limits.ts';
import { entryBytes, isExpired, largeBytes, OutboxSlots } from './outbox-slots.ts';
import type { EntryDraft, SendWindow, Slot } from './outbox-slots.ts';
import type { Entry, StoredOutbox } from './store-types.ts';
import { Room } from './outbox-room.ts';
import { TabSeqs, type TabProgress } from './tab-seqs.ts';

/**
 * The durable, ordered log of outgoing messages, as far as the hub holds it in memory. An entry goes to the store
 * first, then may be sent, and leaves with the server's cumulative acknowledgement. What is to be written and told
 * goes into the journal.
 */
export class Outbox {
  readonly #slots = new OutboxSlots();
  /** What is not in the log yet. */
  readonly held: Held;
  /** Failures that the store does not know of yet, in the order of the journal. */
  readonly #ending = new Deque<Slot>();
  readonly #queue: QueuePolicy;
  readonly #room: Room;
  readonly #journal: Journal;
  readonly #tabSeqs: TabSeqs;
  #stored: number;
  #acked: number;

  constructor(
    queue: QueuePolicy,
    { lastSeq, acked, entries, held, tabSeqs }: StoredOutbox,
    journal: Journal,
  ) {
    this.#queue = queue;
    this.#journal = journal;
    this.#tabSeqs = new TabSeqs(tabSeqs);
    this.#acked = acked;
    this.#slots.seq = this.#slots.sent = this.#stored = lastSeq;
    const slots = this.#slots;
    const log = entries.filter(({ seq }) => seq > acked);
    for (const entry of log) slots.add(entry, false);
    this.held = new Held(slots, journal, held, log);
    this.#room = new Room(queue, slots, this.held, this.#ending);
    // An earlier hub may have sent all of them.
    slots.underWay = slots.entries;
    slots.bytesUnderWay = slots.bytes;
  }

  /** Entries that have no fate yet, and their bytes. */
  get pending(): { readonly entries: number; readonly bytes: number } {
    return this.#room.taken;
  }

  /** The cumulative acknowledgement that this hub has taken. */
  get acked(): number {
    return this.#acked;
  }

  /** Up to where the server may forget what it refused: of what lies behind, a failure is still being stored. */
  get settled(): number {
    return [...this.#ending].reduce((seq, { entry }) => Math.min(seq, entry.seq - 1), this.#acked);
  }

  get lastSeq(): number {
    return this.#slots.seq;
  }

  get storedSeq(): number {
    return this.#stored;
  }

  /** Whether entries that were sent wait for their acknowledgement. */
  get isAwaitingAck(): boolean {
    return this.#slots.underWay > 0;
  }

  /** The highest tab sequence taken from a tab; 0 for an unknown one. */
  lastTabSeq(tabId: string): number {
    return this.#tabSeqs.last(tabId);
  }

  /** What a tab that attaches anew has to know of its entries. */
  tabSeqs(tabId: string): TabProgress {
    // Failures that an acknowledgement has passed are among the ending ones alone.
    const pending = [this.#slots, this.#ending, this.held];
    return this.#tabSeqs.progress(tabId, this.#stored, pending);
  }

  /** Takes an entry into the log, or refuses it. False if it has to wait until there is room. */
  append(draft: EntryDraft): boolean {
    const isStoring = ({ entry }: Slot) => entry.seq > this.#stored && entry.seq <= this.#journal.writtenSeq;
    const older = this.#slots.superseded(draft, isStoring);
    if (draft.coalesceKey !== undefined) older.push(...this.held.superseded(draft));
    const [bytes, large] = [entryBytes(draft), largeBytes(draft)];
    if (!this.#room.fitsInPlaceOf(older, bytes, large)) {
      const { whenFull, maxBytes, maxLargeBytes } = this.#queue;
      if (whenFull === 'block' && bytes <= maxBytes && large <= maxLargeBytes) return false;
      if (
        whenFull !== 'drop-oldest' ||
        !this.#room.make(bytes, large, (slot) => this.failSlot(slot, madeRoomError))
      ) {
        this.refuse(draft, queueFull('entries'));
        return true;
      }
    }
    for (const slot of older) if (slot.state === 'live') this.#fail(slot, supersededError);
    const entry: Entry = { ...draft, seq: (this.#slots.seq += 1) };
    this.#tabSeqs.remember(draft);
    if (entry.large || this.held.has(entry.topic)) {
      this.held.hold(entry);
    } else {
      this.#slots.add(entry, false);
      this.#journal.append(entry);
    }
    return true;
  }

  /** Takes an entry that is never stored, and fails it unless it can be sent at once. */
  appendVolatile(draft: EntryDraft, window: number): void {
    this.#tabSeqs.remember(draft);
    if (this.#slots.entries < window && this.#room.fits(1, entryBytes(draft))) {
      this.#slots.add({ ...draft, seq: (this.#slots.seq += 1) }, true);
    } else {
      this.#journal.refuseUnwritten(failureOf(draft, notOpenError));
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
    this.held.stored(this.#stored);
    for (let count = 0; count < failures; count++) {
      const slot = this.#ending.shift()!;
      slot.state = 'ended';
      this.held.settle(slot.entry);
    }
  }

  /** A connection begins; the server holds everything up to `lastSeq`. */
  resume(lastSeq: number): void {
    this.ack(lastSeq);
    this.#room.dropped = this.#acked;
    this.#slots.rewind(this.#acked);
  }

  /**
   * The next entries to send, within the session's windows and one turn's worth at a time. Expired ones and those that
   * do not fit are failed instead, and none is sent before the failure of the one before it is stored: to a later hub,
   * the acknowledgement of the one would be that of the other.
   */
  take(
    { window, windowBytes }: SendWindow,
    now: number,
    whyNot: (entry: Entry) => ErrorData | undefined,
  ): Entry[] {
    const entries: Entry[] = [];
    let hasFailed = false;
    const room = Math.min(window - this.#slots.underWay, coreLimits.entriesPerTurn);
    let index = this.#slots.indexAfter(this.#slots.sent);
    while (entries.length < room && this.#slots.bytesUnderWay < windowBytes) {
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
      this.#slots.sent = slot.entry.seq;
      if (slot.state === 'ended') continue;
      entries.push(slot.entry);
      this.#slots.countSent(slot);
    }
    return entries;
  }

  /** Takes the server's cumulative acknowledgement. */
  ack(seq: number): void {
    const through = Math.min(seq, this.#slots.seq);
    if (through <= this.#acked) return;
    const upTo = new Map<string, number>();
    for (let slot = this.#slots.at(0); slot && slot.entry.seq <= through; slot = this.#slots.at(0)) {
      const { tabId, tabSeq } = slot.entry;
      this.#slots.shift();
      upTo.set(tabId, Math.max(tabSeq, upTo.get(tabId) ?? 0));
      if (slot.state !== 'live') continue;
      this.#slots.settle(slot, 'ended');
      this.held.settle(slot.entry);
      this.held.free(slot.entry);
    }
    this.#acked = through;
    this.#slots.sent = Math.max(this.#slots.sent, through);
    const fates = Array.from(upTo, ([tabId, last]): EntryFate => {
      return { kind: 'acked', tabId, upTo: last, but: this.held.lateOf(tabId, last) };
    });
    this.#journal.acked(through, fates, this.#ending.length > 0);
  }

  /** Fails an entry, unless it has its fate: one of the log, or one that is held. */
  failSlot(slot: Slot | undefined, error: ErrorData): void {
    if (slot?.state === 'live') this.#fail(slot, error);
  }

  /** One entry ends without an acknowledgement. */
  fail(seq: number, error: ErrorData): void {
    this.failSlot(this.#slots.live(seq), error);
  }

  /** Fails the largest entry under way: what the `drop-entry` close action means, as frames hold many. */
  failLargestUnderWay(error: ErrorData): void {
    this.fail(this.#slots.largestUnderWay?.entry.seq ?? 0, error);
  }

  /** The session is over: what was never stored is not sent again. */
  failVolatile(): void {
    if (this.#slots.volatileCount === 0) return;
    for (const slot of this.#slots.unsettled()) if (slot.isVolatile) this.#fail(slot, notOpenError);
  }

  /** Fails everything that has no fate yet. */
  failAll(error: ErrorData): void {
    this.#failAll(error, () => true);
  }

  /** Fails what has expired and was never sent, and says when the next entry will expire. */
  expire(now: number): number {
    let nextAt = Infinity;
    this.#failAll(expiredError, ({ entry }, isHeld) => {
      if (!isHeld && entry.seq <= this.#slots.sent) return false;
      const isOver = isExpired(entry, now);
      if (!isOver && entry.expiresAt !== null) nextAt = Math.min(nextAt, entry.expiresAt);
      return isOver;
    });
    return nextAt;
  }

  /** Fails an entry that was not sent, and cannot have been. False if there is none. */
  withdraw(id: string, error: ErrorData): boolean {
    const held = this.held.find(id);
    if (held) this.#fail(held, error);
    if (held) return true;
    const seq = this.seqOf(id) ?? 0;
    if (seq <= this.#slots.sent) return false;
    this.fail(seq, error);
    return true;
  }

  /** The sequence of a stored entry that has no fate yet. */
  seqOf(id: string): number | undefined {
    const held = this.held.find(id);
    if (held) return held.entry.seq;
    for (const { entry } of this.#slots.logged()) if (entry.id === id) return entry.seq;
    return undefined;
  }

  /** Whether the failure of an entry is being stored; of any, without an id. */
  isEnding(id?: string): boolean {
    if (id === undefined) return this.#ending.length > 0;
    return [...this.#ending].some(({ entry }) => entry.id === id);
  }

  /** All entries of the log that have no fate yet, and whether the server may have them. */
  list(): { readonly entry: Entry; readonly isSent: boolean }[] {
    const { sent } = this.#slots;
    const logged = Array.from(this.#slots.logged(), ({ entry }) => ({ entry, isSent: entry.seq <= sent }));
    return [...logged, ...Array.from(this.held, ({ entry }) => ({ entry, isSent: false }))];
  }

  #failAll(error: ErrorData, isMeant: (slot: Slot, isHeld: boolean) => boolean): void {
    for (const slot of this.#slots.unsettled()) if (isMeant(slot, false)) this.#fail(slot, error);
    for (const slot of this.held) if (isMeant(slot, true)) this.#fail(slot, error);
  }

  #fail(slot: Slot, error: ErrorData): void {
    const { entry, isVolatile } = slot;
    const isHeld = this.held.find(entry.id) === slot;
    if (isHeld) this.held.remove(slot);
    else this.#slots.settle(slot, isVolatile ? 'ended' : 'ending');
    if (isHeld) slot.state = 'ending';
    if (entry.large) this.held.abandon(entry.id);
    if (isVolatile) return this.#journal.tell({ kind: 'failed', ...failureOf(entry, error) });
    this.#ending.push(slot);
    this.#journal.fail(entry, error, isHeld);
    if (!isHeld) this.held.free(entry);
  }
}
