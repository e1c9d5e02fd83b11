import type { Context } from './core/context.ts';

/** Time and chance, as the hub gets them. */
export interface Clock {
  /** The present moment and a fresh random number. */
  context(): Context;
  /** Calls `run` once after `delayMs`. Returns a function that prevents it. */
  after(delayMs: number, run: () => void): () => void;
}

/** The platform's clocks and timers. */
export const platformClock: Clock = {
  context: () => ({ now: Date.now(), ticks: performance.now(), random: Math.random() }),
  after(delayMs, run) {
    const timer = setTimeout(run, delayMs);
    return () => clearTimeout(timer);
  },
};
