/** What was told so far, in order. A test waits for what it expects, and never for a time. */
export class EventLog<T> {
  readonly events: T[] = [];
  readonly #checks = new Set<() => void>();

  readonly add = (event: T): void => {
    this.events.push(event);
    for (const check of this.#checks) check();
  };

  /** Settles with what `find` finds, as soon as it finds something. */
  until<R>(find: (events: readonly T[]) => R | undefined | false): Promise<R> {
    return new Promise((resolve) => {
      const check = () => {
        const found = find(this.events);
        if (found === undefined || found === false) return;
        this.#checks.delete(check);
        resolve(found);
      };
      this.#checks.add(check);
      check();
    });
  }
}
