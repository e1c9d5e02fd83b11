import type { BackoffPolicy } from './policy-types.ts';

/**
 * Delay before the next attempt, in milliseconds: exponential with a cap, and jitter of half to one and a half
 * on top, after the cap, so that clients of a server that is down for long do not fall into step.
 * `attempt` counts failed attempts from 0 (Infinity gives the cap, for a peer that asked for patience); `random` is in [0, 1).
 */
export function backoffDelayMs(policy: BackoffPolicy, attempt: number, random: number): number {
  return Math.min(policy.maxMs, policy.baseMs * 2 ** attempt) * (0.5 + random);
}
