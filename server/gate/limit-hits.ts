import type { Clock } from '../clock.ts';
import type { Logger } from '../logger.ts';

/** What was hit, as counters and log lines call it. */
const limitNames = [
  'origin',
  'banned',
  'upgrades',
  'draining',
  'connections',
  'connections-per-address',
  'connections-per-identity',
  'overload',
  'handshake',
  'heartbeat',
  'frame-bytes',
  'message-bytes',
  'messages',
  'bytes',
  'controls',
  'flood',
  'subscriptions',
  'requests',
  'request-time',
  'topics',
  'transfers',
  'stall',
  'strikes',
  'admin',
] as const;

/** The name of a limit, as counters and log lines call it. */
export type LimitName = (typeof limitNames)[number];

/** How often each limit was hit. They only ever go up. */
export type LimitCounts = Record<LimitName, number>;

/** Counters at zero. */
export const newLimitCounts = (): LimitCounts =>
  Object.fromEntries(limitNames.map((name) => [name, 0])) as LimitCounts;

/** Milliseconds between two log lines of one limit: a flood must not become one of the log. */
const logEveryMs = 1000;

/** Counts limits that were hit, and says so in the log, at most once in a second for each. */
export class LimitHits {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #counts: LimitCounts;
  readonly #told = new Map<LimitName, { readonly at: number; readonly count: number }>();

  constructor(clock: Clock, logger: Logger, counts: LimitCounts) {
    this.#clock = clock;
    this.#logger = logger;
    this.#counts = counts;
  }

  /** Something that is no limit, but makes limits wrong. */
  warn(fields: object, message: string): void {
    this.#logger.warn(fields, message);
  }

  /** A limit was hit. `fields` go into the log: never a token, a header or a payload. */
  hit(limit: LimitName, fields: object): void {
    const count = ++this.#counts[limit];
    const now = this.#clock.now();
    const told = this.#told.get(limit);
    if (told && now - told.at < logEveryMs && now >= told.at) return;
    this.#told.set(limit, { at: now, count });
    const untold = count - 1 - (told?.count ?? 0);
    this.#logger.warn({ limit, ...fields, ...(untold > 0 && { untold }) }, 'limit hit');
  }
}
