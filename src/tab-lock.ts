/**
 * Holds the Web Lock that proves to the hub that this tab lives; settles once it is held, with the function that
 * releases it. Undefined where there are no Web Locks (an insecure context): the hub then learns of a crash by
 * nothing but the goodbye that is missing.
 */
export async function holdTabLock(name: string): Promise<(() => void) | undefined> {
  if (!('locks' in navigator)) return undefined;
  return new Promise((resolve, reject) => {
    navigator.locks.request(name, () => new Promise<void>((release) => resolve(release))).catch(reject);
  });
}
