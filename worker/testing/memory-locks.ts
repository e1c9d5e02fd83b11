import type { Locks, Rivalry } from '../locks.ts';

/** The holder of a lock, or one in line for it. */
interface Place {
  readonly granted: () => void;
  readonly stolen?: () => void;
}

/** Locks in memory, of one thread. */
export class MemoryLocks implements Locks {
  /** The first in each line holds the lock. */
  readonly #lines = new Map<string, Place[]>();
  readonly watchers = new Map<string, () => void>();

  get held(): string[] {
    return [...this.#lines.keys()];
  }

  hold(name: string): Promise<() => void> {
    return new Promise((resolve) => {
      const place: Place = { granted: () => resolve(() => this.#leave(name, place)) };
      this.#join(name, place);
    });
  }

  whenFree(name: string, onFree: () => void): () => void {
    this.watchers.set(name, onFree);
    return () => this.watchers.delete(name);
  }

  compete(name: string, { taken, lost }: Rivalry, isSteal = false): () => void {
    let hasLeft = false;
    const later = (tell: () => void) => () => queueMicrotask(() => hasLeft || tell());
    const place: Place = { granted: later(taken), stolen: later(lost) };
    this.#join(name, place, isSteal);
    return () => {
      hasLeft = true;
      this.#leave(name, place);
    };
  }

  /** Takes a lock away from its holder. */
  take(name: string): void {
    this.compete(name, { taken() {}, lost() {} }, true)();
  }

  #join(name: string, place: Place, isSteal = false): void {
    const line = this.#lines.get(name) ?? [];
    this.#lines.set(name, line);
    if (isSteal) line.splice(0, 1, place)[0]?.stolen?.();
    else line.push(place);
    if (line[0] === place) place.granted();
  }

  #leave(name: string, place: Place): void {
    const line = this.#lines.get(name);
    const index = line?.indexOf(place) ?? -1;
    if (!line || index === -1) return;
    line.splice(index, 1);
    if (line.length === 0) this.#lines.delete(name);
    else if (index === 0) line[0]!.granted();
  }
}
