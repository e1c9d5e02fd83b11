import type { Clock } from './clock.ts';
import * as workerLimits from './limits.ts';

/** The promise's value, or undefined if it does not settle in time. Its rejection passes through. */
export function withDeadline<T>(
  promise: PromiseLike<T>,
  deadlineMs: number,
  clock: Pick<Clock, 'after'>,
): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(deadlineMs, () => resolve(undefined));
    promise.then(resolve, reject).then(cancel);
  });
}

/**
 * As {@link withDeadline}, but a time in which this code could not run does not count: where the deadline comes much later
 * than it was set for, the computer slept or the page was frozen, and the promise gets the whole of it once more. Only
 * once, for the timers of hidden pages are always late.
 */
export async function withWakingDeadline<T>(
  promise: PromiseLike<T>,
  deadlineMs: number,
  clock: Clock,
): Promise<T | undefined> {
  const { ticks } = clock.context();
  const value = await withDeadline(promise, deadlineMs, clock);
  const isLate = clock.context().ticks - ticks > deadlineMs + workerLimits.lateTimerMs;
  return value === undefined && isLate ? withDeadline(promise, deadlineMs, clock) : value;
}
