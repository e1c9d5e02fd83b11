/** A value, or the promise of one. Code that takes it must not wait a microtask for a plain value. */
export type MaybePromise<T> = T | PromiseLike<T>;

/** True when `value` has to be waited for. */
export function isPromise<T>(value: MaybePromise<T>): value is PromiseLike<T> {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as { readonly then?: unknown }).then === 'function'
  );
}

/** Runs `next` with the value: at once for a plain value, after the promise otherwise. */
export function chain<T, R>(value: MaybePromise<T>, next: (value: T) => MaybePromise<R>): MaybePromise<R> {
  return isPromise(value) ? value.then(next) : next(value);
}

/**
 * Hands the value to `done`, at once for a plain value. What rejects or throws after a wait goes to
 * `failed`, so that nothing ends as an unhandled rejection.
 */
export function settle<T>(
  value: MaybePromise<T>,
  done: (value: T) => void,
  failed: (reason: unknown) => void,
): void {
  if (isPromise(value)) value.then(done).then(undefined, failed);
  else done(value);
}
