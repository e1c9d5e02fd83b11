import { timerMsMax, type Clock, type Timer } from './clock.ts';

/** Something that can be due at one time. The fields belong to its queue. */
export interface Due {
  /** When it is due, on the clock's `uptime`. */
  dueAt: number;
  /** Where it stands in the queue; -1 while it is in none. */
  place: number;
  /** It is due, and not in the queue any more. */
  due(): void;
}

/**
 * What is due when, for one timer of the clock however many there are: a timer of its own for each connection would be a
 * tenth of the connection's memory. A binary heap, in which everything knows its place and so can be taken out.
 */
export class DueQueue {
  readonly clock: Clock;
  readonly #heap: Due[] = [];
  #timer: Timer | undefined;
  #timerAt = Infinity;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** Has an item due in `delayMs` milliseconds, and not when it was due before. Any delay will do. */
  set(item: Due, delayMs: number): void {
    this.#remove(item);
    item.dueAt = this.clock.uptime() + Math.ceil(Math.max(0, delayMs));
    this.#heap.push(item);
    this.#rise(item, this.#heap.length - 1);
    this.#arm();
  }

  /** Has an item not be due, where it would be. */
  clear(item: Due): void {
    this.#remove(item);
    if (this.#heap.length === 0) this.#disarm();
  }

  #run(): void {
    this.#timer = undefined;
    this.#timerAt = Infinity;
    const now = this.clock.uptime();
    try {
      for (let first = this.#heap[0]; first && first.dueAt <= now; first = this.#heap[0]) {
        this.#remove(first);
        first.due();
      }
    } finally {
      this.#arm();
    }
  }

  /** A timer that is too early does no harm, as when what it was for has been cleared. */
  #arm(): void {
    const [first] = this.#heap;
    if (!first || first.dueAt >= this.#timerAt) return;
    this.#disarm();
    this.#timerAt = first.dueAt;
    const delayMs = Math.max(0, first.dueAt - this.clock.uptime());
    this.#timer = this.clock.setTimer(() => this.#run(), Math.min(delayMs, timerMsMax));
  }

  #disarm(): void {
    if (this.#timer !== undefined) this.clock.clearTimer(this.#timer);
    this.#timer = undefined;
    this.#timerAt = Infinity;
  }

  #remove(item: Due): void {
    const { place } = item;
    if (place < 0) return;
    item.place = -1;
    const last = this.#heap.pop()!;
    if (last === item) return;
    this.#sink(last, place);
    this.#rise(last, last.place);
  }

  /** Puts an item where it belongs, at this place or above. */
  #rise(item: Due, place: number): void {
    let at = place;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = this.#heap[parent]!;
      if (above.dueAt <= item.dueAt) break;
      this.#put(above, at);
      at = parent;
    }
    this.#put(item, at);
  }

  /** Puts an item where it belongs, at this place or below. */
  #sink(item: Due, place: number): void {
    let at = place;
    for (let child = 2 * at + 1; child < this.#heap.length; child = 2 * at + 1) {
      const right = this.#heap[child + 1];
      if (right && right.dueAt < this.#heap[child]!.dueAt) child += 1;
      const below = this.#heap[child]!;
      if (below.dueAt >= item.dueAt) break;
      this.#put(below, at);
      at = child;
    }
    this.#put(item, at);
  }

  #put(item: Due, place: number): void {
    this.#heap[place] = item;
    item.place = place;
  }
}
