/** Something that will happen at a moment. */
export interface Scheduled {
  readonly at: number;
  /** Breaks ties: what was scheduled first happens first. */
  readonly order: number;
  /** Null once it was prevented. */
  run: (() => void) | null;
}

/** What is to come, soonest first: a binary heap. What was prevented stays until its moment, which costs less. */
export class EventQueue {
  readonly #heap: Scheduled[] = [];
  #order = 0;

  /** Events that wait, with those that were prevented. */
  get size(): number {
    return this.#heap.length;
  }

  push(at: number, run: () => void): Scheduled {
    const event: Scheduled = { at, order: (this.#order += 1), run };
    const heap = this.#heap;
    let index = heap.push(event) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!isBefore(event, heap[parent]!)) break;
      heap[index] = heap[parent]!;
      index = parent;
    }
    heap[index] = event;
    return event;
  }

  /** The next event that was not prevented, if there is one up to `endMs`; it leaves the queue. */
  take(endMs: number): Scheduled | undefined {
    const heap = this.#heap;
    for (let first = heap[0]; first && first.at <= endMs; first = heap[0]) {
      const last = heap.pop()!;
      if (heap.length > 0) this.#sink(last);
      if (first.run) return first;
    }
    return undefined;
  }

  #sink(event: Scheduled): void {
    const heap = this.#heap;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child += 1;
      if (!isBefore(heap[child]!, event)) break;
      heap[index] = heap[child]!;
      index = child;
    }
    heap[index] = event;
  }
}

const isBefore = (a: Scheduled, b: Scheduled) => a.at < b.at || (a.at === b.at && a.order < b.order);
