import type { Locks } from './locks.ts';
import { hubLifeLock, hubLock } from './names.ts';

/** What makes a worker the one hub of its name. */
export interface Ownership {
  /** Lock by which the tabs learn of this hub's death; null without Web Locks. */
  readonly lifeLock: string | null;
  release(): void;
}

/** Waits until nobody else is the hub, and shows by another lock that this one lives. */
export async function gainOwnership(locks: Locks | null, hubName: string, hubId: string): Promise<Ownership> {
  if (!locks) return { lifeLock: null, release() {} };
  const lifeLock = hubLifeLock(hubName, hubId);
  const releaseHub = await locks.hold(hubLock(hubName));
  const releaseLife = await locks.hold(lifeLock);
  return {
    lifeLock,
    release() {
      // The next hub may begin before the tabs hear of it: they find it when they attach anew.
      releaseHub();
      releaseLife();
    },
  };
}
