/** Chance that a seed decides. Streams are forked by name, so that a new consumer shifts nobody else's numbers. */
export class Random {
  readonly #label: string;
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  constructor(label: string | number) {
    this.#label = String(label);
    [this.#a, this.#b, this.#c] = hash(this.#label);
    // The first numbers of sfc32 still show the seed.
    for (let round = 0; round < 12; round += 1) this.next();
  }

  /** A stream of its own, whatever has been drawn from this one. */
  fork(name: string | number): Random {
    return new Random(`${this.#label}/${name}`);
  }

  /** A number in [0, 1): sfc32. */
  next(): number {
    const t = (((this.#a + this.#b) | 0) + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + t) | 0;
    return (t >>> 0) / 2 ** 32;
  }

  /** A number in [min, max). */
  between(min: number, max: number): number {
    return min + (max - min) * this.next();
  }

  /** An integer from min to max, both included. */
  int(min: number, max: number): number {
    return Math.floor(this.between(min, max + 1));
  }

  /** True with this probability. */
  chance(probability: number): boolean {
    return this.next() < probability;
  }

  /** One of a list that is not empty. */
  pick<T>(list: readonly T[]): T {
    return list[Math.floor(this.next() * list.length)]!;
  }

  /** A time until the next of events that come `meanMs` apart on average, and independently. */
  wait(meanMs: number): number {
    return -Math.log(1 - this.next()) * meanMs;
  }
}

/** Three well mixed numbers from a text (FNV-1a with three bases, and the finisher of MurmurHash3). */
function hash(text: string): [number, number, number] {
  return [0x811c9dc5, 0x9e3779b9, 0x85ebca6b].map((basis) => {
    let value = basis;
    for (let index = 0; index < text.length; index += 1) {
      value = Math.imul(value ^ text.charCodeAt(index), 0x01000193);
    }
    value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
    value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
    return (value ^ (value >>> 16)) | 0;
  }) as [number, number, number];
}
