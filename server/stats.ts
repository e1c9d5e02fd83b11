import { newLimitCounts, type LimitCounts } from './gate/limit-hits.ts';

/** What a server counts. All but the first four only ever go up. */
export interface ServerStats {
  /** Connections at this moment, those in the handshake included. */
  connections: number;
  /** Subscriptions of all connections at this moment. */
  subscriptions: number;
  /** Topics with a subscription at this moment. */
  topics: number;
  /** Bytes of large payloads under way to the server at this moment, and 1 KiB for each. */
  transferBytes: number;
  /** Connections that were ever accepted. */
  connected: number;
  /** Frames received. */
  frames: number;
  /** Publishes received, from clients and from the app's back end. */
  published: number;
  /** Publishes appended to a topic. */
  accepted: number;
  /** Publishes skipped because their sequence was handled before. */
  duplicates: number;
  /** Publishes refused. */
  refused: number;
  /** Messages sent to subscribers. */
  delivered: number;
  /** Gaps sent to subscribers. */
  gaps: number;
  /** Signals received. */
  signals: number;
  /** Signals sent to subscribers. */
  signalsSent: number;
  /** Signals refused, or not sent to a connection that was behind. */
  signalsDropped: number;
  /** Members that a presence list lacked because there were too many. */
  presencesMissed: number;
  /** Subscriptions and presence lists ended because they were not allowed any more. */
  revoked: number;
  /** Requests received. */
  requests: number;
  /** Requests answered with an error. */
  requestsFailed: number;
  /** Frames that did not follow the schema. */
  malformed: number;
  /** Connections ended because the peer showed no sign of life. */
  dead: number;
  /** Times that reading from a connection paused. */
  pauses: number;
  /** How often each limit was hit, by its name. */
  limitsHit: LimitCounts;
}

/** The counters as they are now. */
export const copyStats = (stats: ServerStats): ServerStats => ({
  ...stats,
  limitsHit: { ...stats.limitsHit },
});

/** Counters at zero. */
export const newStats = (): ServerStats => ({
  connections: 0,
  subscriptions: 0,
  topics: 0,
  transferBytes: 0,
  connected: 0,
  frames: 0,
  published: 0,
  accepted: 0,
  duplicates: 0,
  refused: 0,
  delivered: 0,
  gaps: 0,
  signals: 0,
  signalsSent: 0,
  signalsDropped: 0,
  presencesMissed: 0,
  revoked: 0,
  requests: 0,
  requestsFailed: 0,
  malformed: 0,
  dead: 0,
  pauses: 0,
  limitsHit: newLimitCounts(),
});
