import type { Clock, Timer } from './clock.ts';

interface Pending {
  readonly at: number;
  readonly run: () => void;
}

/** Time that passes only when told to. */
export class VirtualClock implements Clock {
  #now = 1_000_000;
  #correctionMs = 0;
  #ids = 0;
  readonly #timers = new Map<number, Pending>();

  now(): number {
    return this.#now + this.#correctionMs;
  }

  uptime(): number {
    return this.#now;
  }

  setTimer(run: () => void, delayMs: number): Timer {
    this.#timers.set(++this.#ids, { at: this.#now + delayMs, run });
    return this.#ids;
  }

  clearTimer(timer: Timer): void {
    this.#timers.delete(timer as number);
  }

  defer(run: () => void): void {
    this.setTimer(run, 0);
  }

  /** Sets the time of day by so much, as a synchronisation does; no time passes. */
  correct(ms: number): void {
    this.#correctionMs += ms;
  }

  /** Timers that wait. */
  get pending(): number {
    return this.#timers.size;
  }

  /** Lets time pass, and everything happen that falls into it. */
  advance(ms: number): void {
    const end = this.#now + ms;
    for (let next = this.#next(end); next; next = this.#next(end)) {
      const [id, { at, run }] = next;
      this.#timers.delete(id);
      this.#now = Math.max(this.#now, at);
      run();
    }
    this.#now = end;
  }

  #next(end: number): [number, Pending] | undefined {
    let first: [number, Pending] | undefined;
    for (const entry of this.#timers) {
      if (entry[1].at <= end && (!first || entry[1].at < first[1].at)) first = entry;
    }
    return first;
  }
}
