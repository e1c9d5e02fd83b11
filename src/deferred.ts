/** A promise and its ends. A rejection that nobody awaits is no error of the page: `dropped` tells of it too. */
export interface Deferred<T> {
  readonly promise: Promise<T>;
  resolve(value: T): void;
  reject(error: Error): void;
}

const unheard = () => {};

export function deferred<T>(): Deferred<T> {
  let resolve!: (value: T) => void;
  let fail!: (error: Error) => void;
  const promise = new Promise<T>((onResolve, onReject) => {
    resolve = onResolve;
    fail = onReject;
  });
  const reject = (error: Error) => {
    promise.catch(unheard);
    fail(error);
  };
  return { promise, resolve, reject };
}

/** A promise that is made when it is first asked for: most of those that a tab could have, nobody awaits. */
export class LazyPromise {
  #deferred: Deferred<void> | undefined = undefined;
  #outcome: true | Error | undefined = undefined;

  get promise(): Promise<void> {
    if (!this.#deferred) {
      this.#deferred = deferred();
      this.#pass();
    }
    return this.#deferred.promise;
  }

  /** Settles it, unless it is settled: with an error, or else without a value. */
  settle(outcome: true | Error): void {
    if (this.#outcome) return;
    this.#outcome = outcome;
    if (this.#deferred) this.#pass();
  }

  #pass(): void {
    if (this.#outcome === true) this.#deferred!.resolve();
    else if (this.#outcome) this.#deferred!.reject(this.#outcome);
  }
}
