import { report } from './report.ts';

/** Functions of the app that want to hear of something. */
export class Handlers<V> {
  readonly #all = new Set<(value: V) => void>();

  /** Adds one; adding it twice changes nothing. Returns a function that removes it. */
  readonly add = (handler: (value: V) => void): (() => void) => {
    this.#all.add(handler);
    return () => void this.#all.delete(handler);
  };

  tell(value: V): void {
    for (const handler of this.#all) this.tellOne(handler, value);
  }

  /** Calls one of them. One that throws is an error of the page, and no reason to keep messages from the others. */
  tellOne(handler: (value: V) => void, value: V): void {
    try {
      if (this.#all.has(handler)) handler(value);
    } catch (error) {
      report(error);
    }
  }

  clear(): void {
    this.#all.clear();
  }
}
