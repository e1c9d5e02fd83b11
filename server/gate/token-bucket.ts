/** How much may pass: `perSecond` in the long run, and `burst` at once after a rest. */
export interface Rate {
  readonly perSecond: number;
  readonly burst: number;
}

/** Milliseconds by which fractions of tokens can be off. */
const rounding = 1e-6;

// A bucket that fills by itself is one number: when it is full, in milliseconds on a clock that never goes back. Where that is past, it
// is full now. This is the virtual scheduling of the generic cell rate algorithm (ITU-T I.371, annex A).

/** Takes tokens also where there are not enough. Returns when the bucket is full then. */
export const takeTokens = ({ perSecond }: Rate, fullAt: number, count: number, now: number): number =>
  Math.max(fullAt, now) + (count * 1000) / perSecond;

/** In how many whole milliseconds there are `count` tokens; 0 for now. */
export function waitForTokens(
  { perSecond, burst }: Rate,
  fullAt: number,
  count: number,
  now: number,
): number {
  const waitMs = Math.max(fullAt, now) - now - ((burst - count) * 1000) / perSecond;
  return waitMs > rounding ? Math.max(1, Math.ceil(waitMs - rounding)) : 0;
}

/** Whether at least half of the burst could pass at once. */
export const isRested = (rate: Rate, fullAt: number, now: number): boolean =>
  waitForTokens(rate, fullAt, rate.burst / 2, now) === 0;

/** A bucket of tokens that fills by itself. Time is an input: milliseconds on a clock that never goes back. */
export class TokenBucket {
  readonly #rate: Rate;
  #fullAt = -Infinity;

  constructor(rate: Rate) {
    this.#rate = rate;
  }

  /** Takes tokens where there are enough. Returns 0, or in how many milliseconds there will be. */
  tryTake(count: number, now: number): number {
    const waitMs = this.waitMs(count, now);
    if (waitMs === 0) this.take(count, now);
    return waitMs;
  }

  /** In how many milliseconds there are enough tokens; 0 for now. Takes none. */
  waitMs(count: number, now: number): number {
    return waitForTokens(this.#rate, this.#fullAt, count, now);
  }

  /** Takes tokens also where there are not enough. */
  take(count: number, now: number): void {
    this.#fullAt = takeTokens(this.#rate, this.#fullAt, count, now);
  }
}
