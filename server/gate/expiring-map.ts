/** How much a map holds, and for how long. */
export interface MapBounds {
  /** Above it, the entry that was touched longest ago is forgotten. */
  readonly maxEntries: number;
  /** Milliseconds after its last touch that an entry is forgotten. */
  readonly ttlMs: number;
}

/** A map that cannot grow without bound, whoever chooses the keys. Time is an input; entries expire at the next touch. */
export class ExpiringMap<V> {
  readonly #bounds: MapBounds;
  /** In the order of the last touch, so that the first is the first to go. */
  readonly #entries = new Map<string, { readonly value: V; readonly touchedAt: number }>();

  constructor(bounds: MapBounds) {
    this.#bounds = bounds;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** The value of a key, made where there is none. It counts as touched. */
  touch(key: string, now: number, make: () => V): V {
    const value = this.#live(key, now) ?? make();
    this.#entries.delete(key);
    this.#entries.set(key, { value, touchedAt: now });
    this.#forget(now);
    return value;
  }

  delete(key: string): void {
    this.#entries.delete(key);
  }

  #live(key: string, now: number): V | undefined {
    const entry = this.#entries.get(key);
    return entry && now - entry.touchedAt < this.#bounds.ttlMs ? entry.value : undefined;
  }

  #forget(now: number): void {
    const { maxEntries, ttlMs } = this.#bounds;
    for (const [key, { touchedAt }] of this.#entries) {
      if (this.#entries.size <= maxEntries && now - touchedAt < ttlMs) return;
      this.#entries.delete(key);
    }
  }
}
