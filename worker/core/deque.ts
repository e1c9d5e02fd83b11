/** Removed slots at the front before the array is compacted. */
const compactAt = 1024;

/** A queue with random access: amortised constant time at both ends that are used. */
export class Deque<T> implements Iterable<T> {
  #items: (T | undefined)[] = [];
  #head = 0;

  get length(): number {
    return this.#items.length - this.#head;
  }

  /** The item at `index` from the front. */
  at(index: number): T | undefined {
    return this.#items[this.#head + index];
  }

  push(item: T): void {
    this.#items.push(item);
  }

  shift(): T | undefined {
    if (this.length === 0) return undefined;
    const item = this.#items[this.#head];
    this.#items[this.#head] = undefined;
    this.#head += 1;
    if (this.#head >= compactAt && this.#head * 2 >= this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }

  /** Keeps only the items for which `isKept` holds. */
  filter(isKept: (item: T) => boolean): void {
    this.#items = [...this].filter(isKept);
    this.#head = 0;
  }

  /** Index of the first item for which `isAfter` holds, in a queue where it holds from some item on. */
  search(isAfter: (item: T) => boolean): number {
    let low = 0;
    let high = this.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (isAfter(this.at(middle)!)) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  *[Symbol.iterator](): Iterator<T> {
    for (let index = 0; index < this.length; index++) yield this.at(index)!;
  }
}
