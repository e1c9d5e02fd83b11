/** Delay before attempt n: min(maxMs, baseMs * 2^n) * (0.5 + random). */
export interface BackoffPolicy {
  readonly baseMs: number;
  readonly maxMs: number;
  /** Failed attempts in a row after which the connection is suspended. */
  readonly maxAttempts: number;
  /** Time open after which the attempts count from zero again. */
  readonly stableMs: number;
}

/** When the hub asks for a sign of life, and how long it waits for one. */
export interface HeartbeatPolicy {
  readonly intervalMs: number;
  readonly timeoutMs: number;
}
