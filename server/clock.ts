import * as protocolLimits from '../src/protocol/limits.ts';

/** A timer that is under way, as its clock knows it. */
export type Timer = ReturnType<typeof setTimeout> | number;

/** Time as an input: the server has no other, so that a simulation can run it on virtual time. */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
  /** Whole milliseconds since some moment: unlike {@link now} it never goes back, and does not follow the time of day. */
  uptime(): number;
  /** Runs `run` once, after `delayMs` milliseconds (at most {@link timerMsMax}). */
  setTimer(run: () => void, delayMs: number): Timer;
  /** Stops a timer. One that has fired already is left alone. */
  clearTimer(timer: Timer): void;
  /** Runs `run` once, as soon as the input that is at hand has been taken. */
  defer(run: () => void): void;
}

/** The longest delay of one timer: above this, `setTimeout` of Node fires after 1 ms. */
export const timerMsMax = protocolLimits.durationMs;

/** The clock of the machine. */
export const systemClock: Clock = {
  now: () => Date.now(),
  uptime: () => Math.trunc(performance.now()),
  setTimer: (run, delayMs) => setTimeout(run, delayMs),
  clearTimer: (timer) => clearTimeout(timer),
  // After the poll phase: an idle server sends at once, a busy one has read all its sockets first.
  defer: (run) => void setImmediate(run),
};
