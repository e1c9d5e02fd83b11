import { Deque } from './deque.ts';
import * as coreLimits from './limits.ts';
import type { Entry } from './store-types.ts';

/** What a tab asks the outbox to take. */
export type EntryDraft = Omit<Entry, 'seq'>;

/** How much may be under way to the server. */
export interface SendWindow {
  readonly window: number;
  readonly windowBytes: number;
}

/** One entry in memory. */
export interface Slot {
  readonly entry: Entry;
  /** Not in the log: sent now, or never. */
  readonly isVolatile: boolean;
  /**
   * `ending`: it failed, which the store does not know yet. `ended` ones leave when the cumulative acknowledgement
   * passes them, or when there are many such.
   */
  state: 'live' | 'ending' | 'ended';
  /** Its content is on the way to the server. */
  isUploading?: boolean;
  /** The key under which the database had it among what is held, before it went into the log. */
  heldKey?: number | undefined;
  /** One of its topic and key that was being stored, and let be for that. */
  follows?: Slot | undefined;
}

/** What an entry counts against the bound of bytes: its payload, in UTF-16 code units or bytes, unless it is large. */
export const entryBytes = (entry: Pick<Entry, 'json' | 'bytes'>): number =>
  entry.json?.length ?? entry.bytes?.byteLength ?? 0;

/** Bytes of the content of a large entry. */
export const largeBytes = ({ large }: Pick<Entry, 'large'>): number => large?.blob.size ?? 0;

/** Whether the moment of its expiry has come. */
export const isExpired = ({ expiresAt }: EntryDraft, now: number): boolean =>
  expiresAt !== null && expiresAt <= now;

/** Topic and coalescing key as one string that no other two give. */
export const coalesceId = ({ topic, coalesceKey }: EntryDraft): string | undefined =>
  coalesceKey === undefined ? undefined : `${topic.length} ${topic}${coalesceKey}`;

/** The entries of the outbox in the order of their sequences, and what those without a fate add up to. */
export class OutboxSlots extends Deque<Slot> {
  /** The newest entry of each topic and coalescing key. */
  #compactAt = coreLimits.failedSlots;
  readonly #newest = new Map<string, Slot>();
  entries = 0;
  bytes = 0;
  largeBytes = 0;
  volatileCount = 0;
  /** The last sequence in use. */
  seq = 0;
  /** Sent since the server last said what it has: it may have these, whatever the acknowledgement says. */
  sent = 0;
  /** Entries up to `sent` that have no fate yet, and their bytes. */
  underWay = 0;
  bytesUnderWay = 0;

  /**
   * The entries in whose place a new one comes: unsent ones of its topic and key. The first that is being stored is let
   * be, or else none would ever be sent where they come faster than the store works.
   */
  superseded(draft: EntryDraft, isStoring: (slot: Slot) => boolean): Slot[] {
    const key = coalesceId(draft);
    const newest = key === undefined ? undefined : this.#newest.get(key);
    if (!newest) return [];
    const unsent = [newest.follows, newest].filter(
      (slot): slot is Slot => slot?.state === 'live' && slot.entry.seq > this.sent,
    );
    const spared = unsent.find(isStoring);
    return unsent.filter((slot) => slot !== spared);
  }

  /** Adds an entry without a fate. */
  add(entry: Entry, isVolatile: boolean): Slot {
    // Nobody acknowledges an entry that was never sent.
    if (this.length > this.#compactAt) {
      this.filter(({ state }) => state !== 'ended');
      this.#compactAt = 2 * this.length + coreLimits.failedSlots;
    }
    const key = isVolatile ? undefined : coalesceId(entry);
    const follows = key === undefined ? undefined : this.#newest.get(key);
    const slot: Slot = { entry, isVolatile, state: 'live', follows };
    this.push(slot);
    this.entries += 1;
    this.bytes += entryBytes(entry);
    this.largeBytes += largeBytes(entry);
    if (isVolatile) this.volatileCount += 1;
    if (key !== undefined) this.#newest.set(key, slot);
    return slot;
  }

  /** The entry has a fate now. */
  settle(slot: Slot, state: 'ending' | 'ended'): void {
    slot.state = state;
    this.entries -= 1;
    this.bytes -= entryBytes(slot.entry);
    this.largeBytes -= largeBytes(slot.entry);
    if (slot.isVolatile) this.volatileCount -= 1;
    const key = coalesceId(slot.entry);
    if (key !== undefined && this.#newest.get(key) === slot) {
      if (slot.follows?.state === 'live') this.#newest.set(key, slot.follows);
      else this.#newest.delete(key);
    }
    slot.follows = undefined;
    if (slot.entry.seq > this.sent) return;
    this.underWay -= 1;
    this.bytesUnderWay -= entryBytes(slot.entry);
  }

  /** A slot that has no fate yet was sent just now. */
  countSent({ entry }: Slot): void {
    this.underWay += 1;
    this.bytesUnderWay += entryBytes(entry);
  }

  /** Nothing is under way: a connection begins. */
  rewind(acked: number): void {
    this.sent = acked;
    this.underWay = this.bytesUnderWay = 0;
  }

  /** The entry with this sequence, if it has no fate yet. */
  live(seq: number): Slot | undefined {
    const slot = this.at(this.indexAfter(seq - 1));
    return slot?.entry.seq === seq && slot.state === 'live' ? slot : undefined;
  }

  /** Those that have no fate yet. */
  *unsettled(): Iterable<Slot> {
    for (const slot of this) if (slot.state === 'live') yield slot;
  }

  /** The entries of the log that have no fate yet. */
  *logged(): Iterable<Slot> {
    for (const slot of this.unsettled()) if (!slot.isVolatile) yield slot;
  }

  /** The largest entry under way. */
  get largestUnderWay(): Slot | undefined {
    let largest: Slot | undefined;
    for (const slot of this) {
      if (slot.entry.seq > this.sent) break;
      if (slot.state !== 'live') continue;
      if (!largest || entryBytes(slot.entry) > entryBytes(largest.entry)) largest = slot;
    }
    return largest;
  }

  /** Index of the first entry with a higher sequence. */
  indexAfter(seq: number): number {
    return this.search((slot) => slot.entry.seq > seq);
  }
}
