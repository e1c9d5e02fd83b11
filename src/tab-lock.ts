/** A Web Lock that this tab holds until it lets go or dies. */
export interface TabLock {
  readonly name: string;
  release(): void;
}

/**
 * Holds the lock that proves to the hub that this tab lives; settles once it is held. Null where there are
 * no Web Locks (an insecure context): the hub then learns of a crash by nothing but the goodbye that is missing.
 */
export async function holdTabLock(name: string): Promise<TabLock | null> {
  if (!('locks' in navigator)) return null;
  return new Promise((resolve, reject) => {
    const held = () => new Promise<void>((release) => resolve({ name, release }));
    navigator.locks.request(name, held).catch(reject);
  });
}
