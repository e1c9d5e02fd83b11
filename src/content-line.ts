import type { Large } from '../worker/core/payload-types.ts';
import { readContent } from './payload.ts';

/** Keeps the order of what comes while the content of a large message is being read. */
export class ContentLine {
  #tail: Promise<void> | null = null;
  #beginnings = 0;

  /** Runs `take` at once, or when everything before it is read. */
  pass(take: () => void): void | Promise<void> {
    return this.#tail ? this.#append(async () => take()) : take();
  }

  /** Reads a content, and hands it on in its turn. */
  read(large: Large, take: (payload: unknown) => void, failed: (error: unknown) => void): Promise<void> {
    return this.#append(async (isCurrent) => {
      try {
        const payload = await readContent(large);
        if (isCurrent()) take(payload);
      } catch (error) {
        if (isCurrent()) failed(error);
      }
    });
  }

  /** What waits is dropped: it comes again, or nobody wants it any more. */
  drop(): void {
    this.#beginnings += 1;
  }

  #append(work: (isCurrent: () => boolean) => Promise<void>): Promise<void> {
    const began = this.#beginnings;
    const isCurrent = () => began === this.#beginnings;
    const done = (this.#tail ?? Promise.resolve())
      .then(() => (isCurrent() ? work(isCurrent) : undefined))
      .then(() => {
        if (this.#tail === done) this.#tail = null;
      });
    return (this.#tail = done);
  }
}
