import type { HubMetrics } from '../worker/core/metrics-types.ts';
import type { ConnectionErrorCode } from './protocol/errors.ts';

/** What this tab counts since it called `connect`. */
export interface TabMetrics {
  /** Hubs that this tab was attached to, one after the other. */
  readonly hubsJoined: number;
  readonly entriesPublished: number;
  /** Those without a fate. */
  readonly entriesPending: number;
  /** Those that ended without having reached the server, by the code of the error. */
  readonly entriesDropped: Readonly<Partial<Record<ConnectionErrorCode, number>>>;
  /** Messages given to handlers, for each subscription of this tab. */
  readonly messagesReceived: number;
  readonly gapsReceived: number;
  readonly requestsSent: number;
  readonly requestsFailed: number;
}

/** A snapshot of `socket.metrics()`: plain data, without topics, identities or texts. */
export interface SocketMetrics {
  /** Of the hub, for all of its tabs. */
  readonly hub: HubMetrics;
  readonly tab: TabMetrics;
}
