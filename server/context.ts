import { randomUUID } from 'node:crypto';
import { pino } from 'pino';
import type { Backbone } from './backbone.ts';
import type { Client } from './client.ts';
import { systemClock, type Clock } from './clock.ts';
import { DueQueue } from './due-queue.ts';
import { FlushScheduler } from './flush-scheduler.ts';
import type { Deadline } from './guard.ts';
import { Gatekeeper } from './gate/gatekeeper.ts';
import { LimitHits } from './gate/limit-hits.ts';
import type { ServerLimits } from './limits.ts';
import type { Logger } from './logger.ts';
import { MemoryBackbone } from './memory-backbone.ts';
import { createPresence, type Presence } from './presence-options.ts';
import type { RevokeScope } from './revoke-scope.ts';
import { resolveOptions, type ResolvedOptions, type ServerOptions } from './options.ts';
import { Measures } from './sight/measures.ts';
import { Stages } from './sight/stages.ts';
import type { Tracing } from './sight/tracing-types.ts';
import { newStats, type ServerStats } from './stats.ts';
import { TopicFeeds } from './topic-feeds.ts';
import { TransferStore } from './transfer-store.ts';

/** An open session, as a newer connection of the same client sees it. */
export interface ClientSession {
  readonly client: Client;
  /** Gives way to a newer connection of the same client. */
  replacedBy(clientEpoch: number): void;
  /** Asks again about what is meant, and calls `done` with how much that has ended. */
  revoke(scope: RevokeScope, done: (ended: number) => void): void;
}

/** Where time and random ids come from. A simulation has its own. */
export interface Surroundings {
  readonly clock: Clock;
  readonly randomId: () => string;
}

/** What all sessions of a server share. */
export interface ServerContext extends Surroundings {
  readonly hooks: ResolvedOptions['hooks'];
  readonly limits: ServerLimits;
  readonly heartbeatMs: number;
  /** How long a hook, or the backbone, may take. */
  readonly hookDeadline: Deadline;
  readonly compression: ResolvedOptions['compression'];
  readonly overloaded: ResolvedOptions['overloaded'];
  readonly tokens: ResolvedOptions['tokens'];
  /** Timers of connections. */
  readonly dues: DueQueue;
  /** Who may connect. */
  readonly gatekeeper: Gatekeeper;
  /** Counts and logs limits that were hit. */
  readonly limitHits: LimitHits;
  readonly logger: Logger;
  readonly stats: ServerStats;
  /** What is counted by kind, and as distributions. */
  readonly measures: Measures;
  readonly stages: Stages;
  /** Absent where nobody traces. */
  readonly tracing: Tracing | undefined;
  readonly backbone: Backbone;
  readonly feeds: TopicFeeds;
  readonly scheduler: FlushScheduler;
  /** Who is where; undefined where that is not kept. */
  readonly presence: Presence | undefined;
  /** What clients send in chunks. */
  readonly transfers: TransferStore;
  /** Open sessions by client key: at most one per client. */
  readonly sessions: Map<string, ClientSession>;
}

/** The machine's clock, and random UUIDs. */
export const systemSurroundings: Surroundings = { clock: systemClock, randomId: randomUUID };

/** Makes what all sessions of a server share; throws `invalid-option`. */
export function createContext(options: ServerOptions, { clock, randomId }: Surroundings): ServerContext {
  const resolved = resolveOptions(options);
  const { hooks, limits, heartbeatMs, origins, trustedProxies, bans, compression, overloaded, tokens } =
    resolved;
  const logger = options.logger ?? pino({ name: 'onesocket', level: 'info' });
  if (tokens.query !== undefined) {
    logger.warn({ query: tokens.query }, 'tokens in the URL get into the logs of proxies and browsers');
  }
  const stats = newStats();
  const limitHits = new LimitHits(clock, logger, stats.limitsHit);
  const measures = new Measures();
  const scheduler = new FlushScheduler(clock);
  const backbone = options.backbone ?? new MemoryBackbone({ limits, clock, randomId });
  return {
    hooks,
    limits,
    heartbeatMs,
    hookDeadline: { clock, timeoutMs: limits.hookTimeoutMs },
    compression,
    overloaded,
    tokens,
    dues: new DueQueue(clock),
    gatekeeper: new Gatekeeper({ clock, limits, limitHits, origins, trustedProxies, bans }),
    limitHits,
    clock,
    randomId,
    logger,
    stats,
    measures,
    stages: new Stages(clock, measures),
    tracing: options.tracing,
    backbone,
    feeds: new TopicFeeds({ backbone, scheduler, stats, measures }, limits.batchBytes),
    scheduler,
    presence: createPresence(options.presence, clock, limits, stats),
    transfers: new TransferStore(clock, limits, stats),
    sessions: new Map(),
  };
}
