import type { Journal } from './journal.ts';
import {
  coalesceId,
  entryBytes,
  largeBytes,
  type EntryDraft,
  type OutboxSlots,
  type Slot,
} from './outbox-slots.ts';
import * as coreLimits from './limits.ts';
import type { Entry } from './store-types.ts';

/** The entries of one topic that wait for a large one. */
interface Line {
  /** The first is large, unless `underWay` holds it up. */
  readonly slots: Slot[];
  /** Sequence of the large entry in the log that has no acknowledgement yet; 0 for none. */
  underWay: number;
}

/**
 * Entries that are not in the log yet: large ones whose content the server does not have, and whatever is published to
 * their topics behind them. Their sequences are keys alone: each gets another one when it goes into the log.
 */
export class Held {
  readonly #lines = new Map<string, Line>();
  /** Without a fate, by id: entries that may be acknowledged after later ones of their tab. */
  readonly #late = new Map<string, Entry>();
  entries = 0;
  bytes = 0;
  largeBytes = 0;

  readonly #slots: OutboxSlots;
  readonly #journal: Journal;
  /** Topics in which something may wait no more. */
  readonly #freed = new Set<string>();
  /** Transfers of entries that have failed, the newest of them. */
  readonly #abandoned = new Set<string>();
  /** Up to this key the database has what is held. */
  #keptSeq: number;
  /** The database cannot be written. */
  #isStalled = false;

  /** `held` and `log` are what the store has. */
  constructor(slots: OutboxSlots, journal: Journal, held: readonly Entry[], log: readonly Entry[]) {
    this.#slots = slots;
    this.#journal = journal;
    this.#keptSeq = slots.seq;
    const lastTabSeqs = new Map<string, number>();
    for (const entry of log) {
      const { tabId, tabSeq, topic, seq } = entry;
      const last = lastTabSeqs.get(tabId) ?? 0;
      if (tabSeq < last) this.#late.set(entry.id, entry);
      lastTabSeqs.set(tabId, Math.max(last, tabSeq));
      if (entry.large) this.#line(topic).underWay = seq;
    }
    for (const entry of held) {
      const line = this.#lines.get(entry.topic);
      // One that was lost at the server has a new key, and the place that it had before.
      const at =
        entry.large && line ? line.slots.findIndex(({ entry: other }) => isBefore(entry, other)) : -1;
      this.#add(entry, at);
      this.#freed.add(entry.topic);
    }
  }

  /** Whether what is published to a topic has to wait. */
  has(topic: string): boolean {
    return this.#lines.has(topic);
  }

  isLate(id: string): boolean {
    return this.#late.has(id);
  }

  /** Tab sequences up to one that have no fate yet, although later ones may have. */
  lateOf(tabId: string, upTo: number): number[] | undefined {
    if (this.#late.size === 0) return undefined;
    const late = [...this.#late.values()].filter((entry) => entry.tabId === tabId && entry.tabSeq <= upTo);
    return late.map(({ tabSeq }) => tabSeq);
  }

  /** The entry has a fate. */
  settle({ id }: Entry): void {
    this.#late.delete(id);
  }

  /** Holds a new entry. */
  hold(entry: Entry): void {
    this.#add(entry);
    this.#journal.hold(entry);
  }

  /** Takes an entry out. */
  remove({ entry }: Slot): void {
    const { slots } = this.#lines.get(entry.topic)!;
    slots.splice(
      slots.findIndex(({ entry: { seq } }) => seq === entry.seq),
      1,
    );
    this.#count(entry, -1);
    this.#freed.add(entry.topic);
  }

  /** The large entry of the log that held up its topic has a fate. */
  free({ large, topic }: Entry): void {
    if (!large) return;
    this.#line(topic).underWay = 0;
    this.#freed.add(topic);
  }

  /** A large entry failed, of whose content the server may have some. */
  abandon(transfer: string): void {
    this.#abandoned.add(transfer);
    if (this.#abandoned.size <= coreLimits.abandonedTransfers) return;
    for (const oldest of this.#abandoned) return void this.#abandoned.delete(oldest);
  }

  /** Gives the transfers that a connection can give up. */
  takeAbandoned(): string[] {
    const transfers = [...this.#abandoned];
    this.#abandoned.clear();
    return transfers;
  }

  /** Puts into the log what waits for no large entry any more. */
  passOn(): void {
    for (const topic of this.#freed) {
      const line = this.#lines.get(topic);
      if (!line || line.underWay > 0) continue;
      const end = line.slots.findIndex((slot) => slot.entry.large || !this.mayRelease(slot));
      for (const slot of line.slots.slice(0, end < 0 ? undefined : end)) this.release(slot);
      if (end < 0) this.#lines.delete(topic);
    }
    this.#freed.clear();
  }

  /** Everything up to this sequence is stored. */
  stored(seq: number): void {
    if (!this.#isStalled) this.#keptSeq = seq;
  }

  /**
   * Whether an entry may go into the log. What the database holds may not while that cannot be written: a later hub would
   * find it there, and send it again under a sequence that the server has not seen.
   */
  mayRelease(slot: Slot): boolean {
    return !this.#isStalled || slot.entry.seq > this.#keptSeq;
  }

  /** Whether the database can be written from now on. What it holds, and what was taking leave of it, waits if not. */
  setStalled(isStalled: boolean, storedSeq: number): void {
    const wasStalled = this.#isStalled;
    this.#isStalled = isStalled;
    this.stored(storedSeq);
    if (!isStalled) for (const topic of this.#lines.keys()) this.#freed.add(topic);
    else if (!wasStalled) this.#holdUnstored(storedSeq);
  }

  /** Takes what was leaving for the log back, with whatever came behind it in its topic, under keys that keep the order. */
  #holdUnstored(storedSeq: number): void {
    const unstored = [...this.#slots.logged()].filter(({ entry }) => entry.seq > storedSeq);
    const topics = new Set(unstored.flatMap(({ heldKey, entry }) => (heldKey ? entry.topic : [])));
    for (const slot of unstored.toReversed()) {
      if (topics.has(slot.entry.topic)) this.#holdAgain(slot, slot.heldKey ?? slot.entry.seq);
    }
  }

  /** Large entries whose content may go to the server now: the first of each topic, if it is stored. */
  uploadable(storedSeq: number): Slot[] {
    const fronts = Array.from(this.#lines.values(), ({ slots, underWay }) =>
      underWay > 0 ? undefined : slots[0],
    );
    return fronts.filter(
      (slot): slot is Slot => !!slot?.entry.large && slot.entry.seq <= storedSeq && this.mayRelease(slot),
    );
  }

  /** Puts an entry into the log: the server has its content, or gets it with the entry. Gives its slot there. */
  release(slot: Slot, content?: Pick<Entry, 'json' | 'bytes'>): Slot {
    const { large, ...rest } = slot.entry;
    const seq = (this.#slots.seq += 1);
    const entry: Entry = content ? { ...rest, ...content, seq } : { ...slot.entry, seq };
    this.remove(slot);
    slot.state = 'ended';
    if (large && !content) this.#line(entry.topic).underWay = seq;
    this.#journal.release(slot.entry.seq, entry);
    const released = this.#slots.add(entry, false);
    if (slot.entry.seq <= this.#keptSeq) released.heldKey = slot.entry.seq;
    return released;
  }

  /** The server does not have the content of a large entry of the log: holds it again, in front of its topic. */
  holdAgain(seq: number): void {
    const slot = this.#slots.live(seq);
    if (slot?.entry.large) this.#holdAgain(slot, (this.#slots.seq += 1));
  }

  /** Holds all large entries of the log again: this server takes no chunks. */
  holdAllAgain(): void {
    for (const { underWay } of this.#lines.values()) this.holdAgain(underWay);
  }

  /** The entry that has waited longest; the longest of the large ones, if `isLarge`. */
  oldest(isLarge: boolean): Slot | undefined {
    let oldest: Slot | undefined;
    for (const { slots } of this.#lines.values()) {
      const first = isLarge ? slots.find(({ entry }) => entry.large) : slots[0];
      if (first && !(oldest && oldest.entry.seq < first.entry.seq)) oldest = first;
    }
    return oldest;
  }

  /** The entries in whose place a new one comes. One whose content is on its way is let be, or none would ever arrive. */
  superseded(draft: EntryDraft): Slot[] {
    const key = coalesceId(draft);
    if (key === undefined) return [];
    const slots = this.#lines.get(draft.topic)?.slots ?? [];
    return slots.filter(({ entry, isUploading }) => coalesceId(entry) === key && !isUploading);
  }

  /** The entry with this id. */
  find(id: string): Slot | undefined {
    const late = this.#late.get(id);
    return late && this.#lines.get(late.topic)?.slots.find(({ entry }) => entry.id === id);
  }

  /** All of them, in the order of their topics. */
  *[Symbol.iterator](): Iterator<Slot> {
    for (const { slots } of this.#lines.values()) yield* slots.slice();
  }

  /** In front of its topic. */
  #holdAgain(slot: Slot, key: number): void {
    this.#slots.settle(slot, 'ended');
    const entry = { ...slot.entry, seq: key };
    if (entry.large) this.#line(entry.topic).underWay = 0;
    this.#add(entry, 0);
    this.#journal.holdAgain(slot.entry.seq, entry);
  }

  /** At the end of its topic, or in front of the entry with this index. */
  #add(entry: Entry, at = -1): void {
    const { slots } = this.#line(entry.topic);
    const slot: Slot = { entry, isVolatile: false, state: 'live' };
    slots.splice(at < 0 ? slots.length : at, 0, slot);
    this.#late.set(entry.id, entry);
    this.#count(entry, 1);
  }

  #line(topic: string): Line {
    let line = this.#lines.get(topic);
    if (!line) this.#lines.set(topic, (line = { slots: [], underWay: 0 }));
    return line;
  }

  #count(entry: Entry, sign: 1 | -1): void {
    this.entries += sign;
    this.bytes += sign * entryBytes(entry);
    this.largeBytes += sign * largeBytes(entry);
  }
}

const isBefore = (entry: Entry, other: Entry): boolean =>
  entry.tabId === other.tabId && entry.tabSeq < other.tabSeq;
