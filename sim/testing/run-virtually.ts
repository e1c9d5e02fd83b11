import type { Kernel } from '../kernel/kernel.ts';

/** Lets virtual time pass until a promise settles, and gives what it settles with. */
export async function runVirtually<T>(kernel: Kernel, promise: Promise<T>): Promise<T> {
  let isSettled = false;
  const settle = () => void (isSettled = true);
  promise.then(settle, settle);
  // What the promise has begun by itself comes first.
  await new Promise((resolve) => setImmediate(resolve));
  await kernel.run(kernel.now + deadlineMs, () => isSettled);
  if (kernel.failure !== null) throw kernel.failure;
  if (!isSettled) throw new Error('the simulated world came to rest before the promise settled');
  return promise;
}

const deadlineMs = 1_000_000;
