import type { Deque } from './deque.ts';
import type { Held } from './held.ts';
import type { QueuePolicy } from './hub-api.ts';
import * as coreLimits from './limits.ts';
import { entryBytes, largeBytes, type OutboxSlots, type Slot } from './outbox-slots.ts';

/** The bounds of an outbox, and how much of them is left. Large contents have one of their own. */
export class Room {
  readonly #queue: QueuePolicy;
  readonly #slots: OutboxSlots;
  readonly #held: Held;
  readonly #ending: Deque<Slot>;
  /** Every unsent entry of the log up to here has failed. */
  dropped = 0;

  constructor(queue: QueuePolicy, slots: OutboxSlots, held: Held, ending: Deque<Slot>) {
    this.#queue = queue;
    this.#slots = slots;
    this.#held = held;
    this.#ending = ending;
  }

  /** Whether so much more may come. */
  fits(entries: number, bytes: number, large = 0): boolean {
    return (
      this.#fitsSmall(entries, bytes) &&
      this.#fitsLarge(large) &&
      this.#ending.length < coreLimits.keptFailures
    );
  }

  /** Whether an entry fits where others end for it. */
  fitsInPlaceOf(older: readonly Slot[], bytes: number, large: number): boolean {
    let [bytesLeft, largeLeft] = [bytes, large];
    for (const { entry } of older) {
      bytesLeft -= entryBytes(entry);
      largeLeft -= largeBytes(entry);
    }
    return this.fits(1 - older.length, bytesLeft, largeLeft);
  }

  /** All entries, and their bytes, those of large contents included. */
  get taken(): { readonly entries: number; readonly bytes: number } {
    const [slots, held] = [this.#slots, this.#held];
    const large = slots.largeBytes + held.largeBytes;
    return { entries: slots.entries + held.entries, bytes: slots.bytes + held.bytes + large };
  }

  /** Fails the oldest unsent entries until there is room; none of them, if there would not be enough. */
  make(bytes: number, large: number, fail: (slot: Slot) => void): boolean {
    const { maxEntries, maxBytes, maxLargeBytes } = this.#queue;
    const [slots, held] = [this.#slots, this.#held];
    if (slots.underWay >= maxEntries || slots.bytesUnderWay + bytes > maxBytes) return false;
    if (large > 0 && slots.largeBytes + large > maxLargeBytes) return false;
    let index = slots.indexAfter(Math.max(slots.sent, this.dropped));
    for (;;) {
      const isFull = !this.#fitsSmall(1, bytes);
      if (!isFull && this.#fitsLarge(large)) return this.fits(1, bytes, large);
      // Only large ones make room for the content of a large one.
      const logged = isFull ? slots.at(index) : undefined;
      const waiting = held.oldest(!isFull);
      const slot = logged && !(waiting && waiting.entry.seq < logged.entry.seq) ? logged : waiting!;
      if (slot === logged) {
        index += 1;
        this.dropped = slot.entry.seq;
      }
      fail(slot);
    }
  }

  #fitsSmall(entries: number, bytes: number): boolean {
    const { maxEntries, maxBytes } = this.#queue;
    const [slots, held] = [this.#slots, this.#held];
    return (
      slots.entries + held.entries + entries <= maxEntries && slots.bytes + held.bytes + bytes <= maxBytes
    );
  }

  #fitsLarge(large: number): boolean {
    return large <= 0 || this.#slots.largeBytes + this.#held.largeBytes + large <= this.#queue.maxLargeBytes;
  }
}
