/** Exclusive locks by name, held until released or until the holder dies: Web Locks, or the simulation's. */
export interface Locks {
  /** Settles once the lock is held, with the function that releases it. Waits in line for as long as it takes. */
  hold(name: string): Promise<() => void>;
  /** Calls back once, when nobody holds the lock. Returns a function that ends the waiting. */
  whenFree(name: string, onFree: () => void): () => void;
  /**
   * Waits in line for a lock that can be stolen; with `isSteal`, takes it from its holder at once. `taken` is called when
   * it is held, and `lost` when it is not any more, or cannot be: stolen, or taken away by the browser. Returns the
   * function that leaves the line, or releases the lock; nothing is called after that.
   */
  compete(name: string, rivalry: Rivalry, isSteal?: boolean): () => void;
}

/** What somebody who competes for a lock hears. */
export interface Rivalry {
  taken(): void;
  lost(): void;
}
