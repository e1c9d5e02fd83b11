/** How much may pass: `perSecond` in the long run, and `burst` at once after a rest. */
export interface Rate {
  readonly perSecond: number;
  readonly burst: number;
}

/** Milliseconds by which fractions of tokens can be off. */
const rounding = 1e-6;

/** A bucket of tokens that fills by itself. Time is an input. */
export class TokenBucket {
  readonly #rate: Rate;
  #level: number;
  #at: number;

  constructor(rate: Rate, now: number) {
    this.#rate = rate;
    this.#level = rate.burst;
    this.#at = now;
  }

  /** Takes tokens where there are enough. Returns 0, or in how many milliseconds there will be. */
  tryTake(count: number, now: number): number {
    this.#fill(now);
    if (this.#level < count) return this.#msUntil(count);
    this.#level -= count;
    return 0;
  }

  /** In how many milliseconds there are enough tokens; 0 for now. Takes none. */
  waitMs(count: number, now: number): number {
    this.#fill(now);
    return this.#level < count ? this.#msUntil(count) : 0;
  }

  /** Takes tokens also where there are not enough. Returns in how many milliseconds the debt is paid; 0 for none. */
  take(count: number, now: number): number {
    this.#fill(now);
    this.#level -= count;
    return this.#level < 0 ? this.#msUntil(0) : 0;
  }

  /** Whether at least half of the burst could pass at once. */
  isRested(now: number): boolean {
    this.#fill(now);
    return this.#level * 2 >= this.#rate.burst;
  }

  #msUntil(level: number): number {
    return Math.max(1, Math.ceil(((level - this.#level) * 1000) / this.#rate.perSecond - rounding));
  }

  #fill(now: number): void {
    // A clock that was set back fills nothing, and takes nothing away.
    const elapsedMs = Math.max(0, now - this.#at);
    this.#at = now;
    this.#level = Math.min(this.#rate.burst, this.#level + (elapsedMs * this.#rate.perSecond) / 1000);
  }
}
