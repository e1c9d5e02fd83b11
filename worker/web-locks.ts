import type { Locks } from './locks.ts';

// The DOM types promise it everywhere; Node and insecure contexts lack it.
const manager = globalThis.navigator?.locks as LockManager | undefined;

/** The platform's Web Locks, which the death of a page or a worker releases; null where there are none. */
export const webLocks: Locks | null = manager
  ? {
      hold: (name) =>
        new Promise((resolve, reject) => {
          // WebKit takes locks away from pages in the back/forward cache: by then the promise has settled, and the
          // rejection is nobody's.
          manager.request(name, () => new Promise<void>((release) => resolve(release))).catch(reject);
        }),

      whenFree(name, onFree) {
        const waiting = new AbortController();
        const { signal } = waiting;
        // Shared, so that any number can be told at once. Told only after the release: the lock is free by then.
        manager
          .request(name, { mode: 'shared', signal }, () => {})
          .then(
            () => signal.aborted || onFree(),
            () => {},
          );
        return () => waiting.abort();
      },

      compete(name, { taken, lost }, isSteal) {
        const leaving = new AbortController();
        const { signal } = leaving;
        // A steal is refused with a signal, and granted before one could abort it: then it is released at once.
        const held = () =>
          new Promise<void>((release) => {
            signal.addEventListener('abort', () => release());
            if (signal.aborted) release();
            else taken();
          });
        manager
          .request(name, isSteal ? { steal: true } : { signal }, held)
          .catch(() => signal.aborted || lost());
        return () => leaving.abort();
      },
    }
  : null;
