import { standForHub } from './candidate.ts';
import type { OpenChannel } from './channel.ts';
import type { Clock } from './clock.ts';
import type { Locks } from './locks.ts';
import { hubLifeLock } from './names.ts';

/** What a hub needs to become the one of its name. */
export interface OwnershipWorld {
  /** Names the locks and the channels; see names.ts. */
  readonly hubName: string;
  readonly clock: Clock;
  /** Null without Web Locks. */
  readonly locks: Locks | null;
  /** Null without BroadcastChannel. */
  readonly openChannel: OpenChannel | null;
  /** Whether somebody else holds the hub lock for this hub: the window of the tab that runs it. */
  readonly isElected: boolean;
}

/** What makes a hub the one of its name. */
export interface Ownership {
  /** Settles once nobody else is the hub. */
  readonly elected: Promise<void>;
  /** Shows by a lock that this hub lives. Gives the name of the lock; null without Web Locks. */
  live(): Promise<string | null>;
  release(): void;
}

/** Waits until nobody else is the hub. `deposed` is called if another one has taken over by force. */
export function claimOwnership(
  { hubName, clock, locks, openChannel, isElected }: OwnershipWorld,
  hubId: string,
  deposed: () => void,
): Ownership {
  let isReleased = false;
  let leave = () => {};
  let releaseLife = () => {};
  const elected = new Promise<void>((resolve) => {
    if (isElected || !locks) return resolve();
    const { after } = clock;
    // It answers by itself from the turn on in which it has the lock.
    const isServed = () => true;
    leave = standForHub({ locks, openChannel, after }, hubName, hubId, {
      elected: resolve,
      deposed,
      isServed,
    });
  });
  return {
    elected,
    async live() {
      if (!locks) return null;
      const lifeLock = hubLifeLock(hubName, hubId);
      releaseLife = await locks.hold(lifeLock);
      if (isReleased) releaseLife();
      return lifeLock;
    },
    release() {
      isReleased = true;
      // The next hub may begin before the tabs hear of it: they find it when they attach anew.
      leave();
      releaseLife();
    },
  };
}
