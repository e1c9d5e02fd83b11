/**
 * A map that mostly has one entry, and then no table: the smallest of `Map` takes 184 bytes, which is a lot where tens of
 * thousands of connections have one each. From its second entry on, it is a `Map`. No value may be one.
 */
export class FewMap<K, V extends object> {
  #key: K | undefined;
  /** The value of the key, or all entries once there was more than one. */
  #held: V | Map<K, V> | undefined;

  get size(): number {
    const held = this.#held;
    if (held instanceof Map) return held.size;
    return held ? 1 : 0;
  }

  get(key: K): V | undefined {
    const held = this.#held;
    if (held instanceof Map) return held.get(key);
    return key === this.#key ? held : undefined;
  }

  set(key: K, value: V): void {
    const held = this.#held;
    if (held instanceof Map) {
      held.set(key, value);
    } else if (held && key !== this.#key) {
      this.#held = new Map([[this.#key as K, held]]).set(key, value);
      this.#key = undefined;
    } else {
      this.#key = key;
      this.#held = value;
    }
  }

  delete(key: K): void {
    const held = this.#held;
    if (held instanceof Map) return void held.delete(key);
    if (key !== this.#key) return;
    this.#key = undefined;
    this.#held = undefined;
  }

  /** The keys, in the order in which they came. */
  keys(): readonly K[] {
    const held = this.#held;
    if (held instanceof Map) return [...held.keys()];
    return held ? [this.#key as K] : [];
  }
}
