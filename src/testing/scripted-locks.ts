import type { Locks, Rivalry } from '../../worker/locks.ts';

/** Locks that a test grants and frees. */
export function scriptedLocks() {
  const watchers = new Map<string, Set<() => void>>();
  const held = new Set<string>();
  const lines = new Map<string, Rivalry[]>();
  const line = (name: string) => lines.get(name) ?? [];

  const locks: Locks = {
    async hold(name) {
      held.add(name);
      return () => void held.delete(name);
    },
    whenFree(name, onFree) {
      const all = watchers.get(name) ?? new Set();
      watchers.set(name, all.add(onFree));
      return () => void all.delete(onFree);
    },
    compete(name, rivalry) {
      lines.set(name, [...line(name), rivalry]);
      return () => {
        lines.set(
          name,
          line(name).filter((other) => other !== rivalry),
        );
        held.delete(name);
      };
    },
  };
  return {
    locks,
    held,
    /** How many wait for the death of this lock's holder. */
    watching: (name: string) => watchers.get(name)?.size ?? 0,
    /** The holder of this lock has died. */
    free: (name: string) => watchers.get(name)?.forEach((onFree) => onFree()),
    /** How many compete for this lock, or have won it. */
    competing: (name: string) => line(name).length,
    /** The first in line gets the lock. */
    grant(name: string) {
      held.add(name);
      line(name)[0]!.taken();
    },
    /** The holder is deposed. */
    revoke(name: string) {
      held.delete(name);
      const [holder] = line(name).splice(0, 1);
      holder!.lost();
    },
  };
}
