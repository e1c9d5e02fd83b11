// Bounds and deadlines of the hub's adapters.
// Single constants, imported as a namespace, so that a minifier can put the numbers in their places.

/** Bytes in the socket's own buffer at which the hub stops writing, and at which it goes on. */
export const bufferedHighWaterBytes = 1024 * 1024;
export const bufferedLowWaterBytes = 256 * 1024;
/** How often the socket's buffer is looked at while it is above the low-water mark: it fires no event. */
export const bufferedPollMs = 20;
/** How long a tab has to give a token before the next one is asked. */
export const tokenTimeoutMs = 10_000;
/** Within this time an attach is answered, if only by `waiting`. */
export const attachAnswerMs = 250;
/** How long a candidate waits for a sign of the hub before it asks, and how much of that is left to chance. */
export const pingAfterMs = 1_000;
export const pingSpread = 0.2;
/** Questions of a candidate without an answer after which it steals the lock, and how long it does not do so again. */
export const pingsMax = 4;
export const stealAgainMs = 30_000;
/** Errors of one hub that its tabs are told. */
export const troubles = 100;
/** By how much a timer is late that shows that this code could not run. */
export const lateTimerMs = 1_000;
