import type { Due, DueQueue } from './due-queue.ts';

/** Rings at one time, once it was set. */
export class Alarm implements Due {
  readonly #queue: DueQueue;
  readonly #ring: () => void;
  dueAt = 0;
  place = -1;

  constructor(queue: DueQueue, ring: () => void) {
    this.#queue = queue;
    this.#ring = ring;
  }

  /** Rings at `at` (milliseconds since the Unix epoch), and not at the time set before. */
  set(at: number): void {
    this.#queue.set(this, at - this.#queue.clock.now());
  }

  /** Does not ring. */
  clear(): void {
    this.#queue.clear(this);
  }

  due(): void {
    this.#ring();
  }
}
