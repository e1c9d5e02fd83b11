import { setImmediate as nextTurn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** What this process holds after a garbage collection, in bytes. */
export interface HeldMemory {
  /** JavaScript's heap, and buffers. */
  readonly memoryBytes: number;
  /** All that is in memory, with what libuv and the allocators hold. */
  readonly rssBytes: number;
}

export async function heldMemory(): Promise<HeldMemory> {
  // What finalizers release is free only after a later collection.
  for (let round = 0; round < 3; round++) {
    collectGarbage();
    await nextTurn();
  }
  const { heapUsed, external, rss } = process.memoryUsage();
  return { memoryBytes: heapUsed + external, rssBytes: rss };
}
