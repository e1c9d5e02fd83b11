import type { Clock } from './clock.ts';
import { isPromise, type MaybePromise } from './maybe-promise.ts';

/** Thrown in place of an answer that did not come in time. */
export class DeadlineError extends Error {
  override readonly name = 'DeadlineError';
}

/** How long to wait, and by which clock. */
export interface Deadline {
  readonly clock: Clock;
  readonly timeoutMs: number;
}

/** The value, or a rejection with {@link DeadlineError} when its promise takes longer. Plain values pass. */
export function withDeadline<T>(value: MaybePromise<T>, { clock, timeoutMs }: Deadline): MaybePromise<T> {
  if (!isPromise(value)) return value;
  return new Promise<T>((resolve, reject) => {
    const late = () => reject(new DeadlineError(`no answer within ${timeoutMs} ms`));
    const timer = clock.setTimer(late, timeoutMs);
    value.then(
      (result) => {
        clock.clearTimer(timer);
        resolve(result);
      },
      (reason: unknown) => {
        clock.clearTimer(timer);
        reject(reason as Error);
      },
    );
  });
}

/**
 * Calls a function of the app and answers with `failed(reason)` where it throws, rejects or takes too
 * long: the result itself never rejects.
 */
export function guarded<T>(
  call: () => MaybePromise<T>,
  failed: (reason: unknown) => T,
  deadline: Deadline,
): MaybePromise<T> {
  try {
    const value = withDeadline(call(), deadline);
    return isPromise(value) ? value.then(undefined, failed) : value;
  } catch (reason) {
    return failed(reason);
  }
}
