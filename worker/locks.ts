/** Exclusive locks by name, held until released or until the holder dies: Web Locks, or the simulation's. */
export interface Locks {
  /** Settles once the lock is held, with the function that releases it. Waits in line for as long as it takes. */
  hold(name: string): Promise<() => void>;
  /** Calls back once, when nobody holds the lock. Returns a function that ends the waiting. */
  whenFree(name: string, onFree: () => void): () => void;
}
