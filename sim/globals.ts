import { randomUUID } from 'node:crypto';
import { KeyRange } from './browser/fake-idb.ts';
import { SimBlob } from './browser/sim-blob.ts';
import type { Kernel } from './kernel/kernel.ts';
import { Realm } from './kernel/realm.ts';

/** The simulation that runs now, for errors that reach nobody else. */
export const running: { kernel: Kernel | null } = { kernel: null };

/** Puts the simulation in the place of what a browser offers as globals. Once per process. */
export function installGlobals(): void {
  // Most errors here are answers, and their stacks nobody's; a seed that runs alone shows that of a real one.
  Error.stackTraceLimit = 0;
  const fail = (error: unknown) => {
    if (running.kernel) running.kernel.failure ??= error;
  };
  Object.assign(globalThis, {
    reportError: fail,
    IDBKeyRange: KeyRange,
    Blob: SimBlob,
    location: { href: 'https://sim.test/' },
  });
  Object.defineProperty(globalThis.crypto, 'randomUUID', {
    value: () => Realm.current?.newId() ?? randomUUID(),
  });
  process.on('unhandledRejection', fail);
  process.on('uncaughtException', fail);
}
