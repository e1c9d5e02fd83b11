import * as protocolLimits from '../src/protocol/limits.ts';
import type { Context } from './core/context.ts';
import { timers } from './timers.ts';

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
  // The server may name a longer time than a timer can wait; the platform would end that at once.
  after: (delayMs, run) => timers.after(Math.min(delayMs, protocolLimits.durationMs), run),
};
