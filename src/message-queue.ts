import { deferred, type Deferred } from './deferred.ts';
import * as tabLimits from './limits.ts';
import type { Message } from './types.ts';

/** Messages on their way into one `for await` loop. */
export class MessageQueue<T> implements AsyncIterableIterator<Message<T>, undefined> {
  #messages: Message<T>[];
  #waiting: Deferred<IteratorResult<Message<T>, undefined>>[] = [];
  #failure: { readonly error: Error | null } | null = null;
  readonly #onChange: (queue: MessageQueue<T>) => void;

  constructor(early: Message<T>[], onChange: (queue: MessageQueue<T>) => void) {
    this.#messages = early;
    this.#onChange = onChange;
  }

  get isFull(): boolean {
    return this.#messages.length >= tabLimits.iteratorHighWater;
  }

  get isLow(): boolean {
    return this.#messages.length <= tabLimits.iteratorLowWater;
  }

  get hasEnded(): boolean {
    return this.#failure !== null;
  }

  push(message: Message<T>): void {
    const waiting = this.#waiting.shift();
    if (waiting) waiting.resolve({ done: false, value: message });
    else this.#messages.push(message);
  }

  /** Takes everything out. */
  drain(): Message<T>[] {
    return this.#messages.splice(0);
  }

  /** Ends the loop after what it has still to read; with an error if the subscription failed. */
  end(error: Error | null): void {
    this.#failure ??= { error };
    for (const waiting of this.#waiting.splice(0)) {
      if (error) waiting.reject(error);
      else waiting.resolve({ done: true, value: undefined });
    }
  }

  async next(): Promise<IteratorResult<Message<T>, undefined>> {
    const message = this.#messages.shift();
    if (message) {
      this.#onChange(this);
      return { done: false, value: message };
    }
    if (!this.#failure) {
      const waiting = deferred<IteratorResult<Message<T>, undefined>>();
      this.#waiting.push(waiting);
      return waiting.promise;
    }
    if (this.#failure.error) throw this.#failure.error;
    return { done: true, value: undefined };
  }

  async return(): Promise<IteratorResult<Message<T>, undefined>> {
    this.#messages = [];
    this.end(null);
    this.#onChange(this);
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
