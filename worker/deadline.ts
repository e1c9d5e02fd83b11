import type { Clock } from './clock.ts';

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
