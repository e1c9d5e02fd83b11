import { Deque } from './deque.ts';
import * as coreLimits from './limits.ts';
import type { Entry } from './store-types.ts';

/** What a tab asks the outbox to take. */
export type EntryDraft = Omit<Entry, 'seq'>;

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
  /** One of its topic and key that was being stored, and let be for that. */
  follows?: Slot | undefined;
}

/** What an entry counts against the bound of bytes: its payload, in UTF-16 code units or bytes. */
export const entryBytes = (entry: Pick<Entry, 'json' | 'bytes'>): number =>
  entry.json?.length ?? entry.bytes?.byteLength ?? 0;

/** Whether the moment of its expiry has come. */
export const isExpired = ({ expiresAt }: EntryDraft, now: number): boolean =>
  expiresAt !== null && expiresAt <= now;

/** Topic and key as one string that no other two give. */
const coalesceId = ({ topic, coalesceKey }: EntryDraft): string | undefined =>
  coalesceKey === undefined ? undefined : `${topic.length} ${topic}${coalesceKey}`;

/** The entries of the outbox in the order of their sequences, and what those without a fate add up to. */
export class OutboxSlots extends Deque<Slot> {
  /** The newest entry of each topic and coalescing key. */
  #compactAt = coreLimits.failedSlots;
  readonly #newest = new Map<string, Slot>();
  entries = 0;
  bytes = 0;
  volatileCount = 0;

  /**
   * The entries in whose place a new one comes: unsent ones of its topic and key. The first that is being stored is let
   * be, or else none would ever be sent where they come faster than the store works.
   */
  superseded(draft: EntryDraft, sent: number, isStoring: (slot: Slot) => boolean): Slot[] {
    const key = coalesceId(draft);
    const newest = key === undefined ? undefined : this.#newest.get(key);
    if (!newest) return [];
    const unsent = [newest.follows, newest].filter(
      (slot): slot is Slot => slot?.state === 'live' && slot.entry.seq > sent,
    );
    const spared = unsent.find(isStoring);
    return unsent.filter((slot) => slot !== spared);
  }

  /** Adds an entry without a fate. */
  add(entry: Entry, isVolatile: boolean): void {
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
    if (isVolatile) this.volatileCount += 1;
    if (key !== undefined) this.#newest.set(key, slot);
  }

  /** The entry has a fate now. */
  settle(slot: Slot, state: 'ending' | 'ended'): void {
    slot.state = state;
    this.entries -= 1;
    this.bytes -= entryBytes(slot.entry);
    if (slot.isVolatile) this.volatileCount -= 1;
    const key = coalesceId(slot.entry);
    if (key !== undefined && this.#newest.get(key) === slot) {
      if (slot.follows?.state === 'live') this.#newest.set(key, slot.follows);
      else this.#newest.delete(key);
    }
    slot.follows = undefined;
  }

  /** Index of the first entry with a higher sequence. */
  indexAfter(seq: number): number {
    return this.search((slot) => slot.entry.seq > seq);
  }
}
