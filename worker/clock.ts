import type { Context } from './core/context.ts';

/** Time and chance, as the hub gets them. */
export interface Clock {
  /** The present moment and a fresh random number. */
  context(): Context;
  /** Calls `run` once after `delayMs`. Returns a function that prevents it. */
  after(delayMs: number, run: () => void): () => void;
}

/** Longest timer of the platform (HTML, timers: a signed 32-bit number); a longer one would end at once. */
const timerMsMax = 2 ** 31 - 1;

/** The platform's clocks and timers. */
export const platformClock: Clock = {
  context: () => ({ now: Date.now(), ticks: performance.now(), random: Math.random() }),
  after(delayMs, run) {
    const timer = setTimeout(run, Math.min(delayMs, timerMsMax));
    return () => clearTimeout(timer);
  },
};
