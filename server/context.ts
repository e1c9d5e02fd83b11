import type { Backbone } from './backbone.ts';
import type { Clock } from './clock.ts';
import type { FlushScheduler } from './flush-scheduler.ts';
import type { Authenticate, Authorize, OnPublish, RequestHandler } from './hooks.ts';
import type { ServerLimits } from './limits.ts';
import type { Logger } from './logger.ts';
import type { Client } from './client.ts';
import type { ServerStats } from './stats.ts';
import type { TopicFeeds } from './topic-feeds.ts';

/** An open session, as a newer connection of the same client sees it. */
export interface ClientSession {
  readonly client: Client;
  /** Gives way to a newer connection of the same client. */
  replacedBy(clientEpoch: number): void;
}

/** What all sessions of a server share. */
export interface ServerContext {
  readonly clock: Clock;
  readonly randomId: () => string;
  readonly limits: ServerLimits;
  readonly heartbeatMs: number;
  readonly logger: Logger;
  readonly stats: ServerStats;
  readonly backbone: Backbone;
  readonly feeds: TopicFeeds;
  readonly scheduler: FlushScheduler;
  /** Open sessions by client key: at most one per client. */
  readonly sessions: Map<string, ClientSession>;
  readonly hooks: {
    readonly authenticate: Authenticate | undefined;
    readonly authorize: Authorize | undefined;
    readonly onPublish: OnPublish | undefined;
    readonly requests: ReadonlyMap<string, RequestHandler>;
  };
}
