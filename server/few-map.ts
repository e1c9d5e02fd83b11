/**
 * A map that mostly has one entry, and then no table: the smallest of `Map` takes 184 bytes, which is a lot where tens of
 * thousands of connections have one each. From its second entry on, it is a `Map`.
 */
export class FewMap<K, V extends object> {
  #key: K | undefined;
  #value: V | undefined;
  #all: Map<K, V> | undefined;

  get size(): number {
    return this.#all?.size ?? (this.#value === undefined ? 0 : 1);
  }

  get(key: K): V | undefined {
    return this.#all ? this.#all.get(key) : key === this.#key ? this.#value : undefined;
  }

  set(key: K, value: V): void {
    if (this.#all) return void this.#all.set(key, value);
    if (this.#value === undefined || this.#key === key) {
      this.#key = key;
      this.#value = value;
      return;
    }
    this.#all = new Map([[this.#key as K, this.#value]]).set(key, value);
    this.#key = undefined;
    this.#value = undefined;
  }

  delete(key: K): void {
    if (this.#all) return void this.#all.delete(key);
    if (this.#key !== key) return;
    this.#key = undefined;
    this.#value = undefined;
  }

  /** The keys, in the order in which they came. */
  keys(): readonly K[] {
    if (this.#all) return [...this.#all.keys()];
    return this.#value === undefined ? [] : [this.#key as K];
  }
}
