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

/** Bounds of the outbox, and what happens to an entry that does not fit. */
export interface QueuePolicy {
  readonly maxEntries: number;
  /** Of the payloads: UTF-16 code units of JSON, or bytes. */
  readonly maxBytes: number;
  /** Of the contents of large entries, which count against this bound instead. */
  readonly maxLargeBytes: number;
  /** Age at which an unsent entry expires. */
  readonly maxAgeMs: number;
  readonly whenFull: WhenFull;
}

/**
 * What a full outbox does with a new entry: lets it wait unstored until there is room (`block`), fails it
 * (`reject`), or fails the oldest unsent ones in its place (`drop-oldest`).
 */
export type WhenFull = 'block' | 'reject' | 'drop-oldest';
