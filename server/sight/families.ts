import type { ServerStats } from '../stats.ts';
import type { DistributionData } from './distribution.ts';
import type { ServerMeasures } from './measures.ts';

/** All that a server says of itself at one moment. */
export interface Snapshot {
  readonly stats: ServerStats;
  readonly measures: ServerMeasures;
}

/** Label values, in the order of the family's label names. */
type Sample<T> = readonly [labels: readonly string[], value: T];

interface FamilyHead {
  /** Without the prefix, with the unit and, of a counter, `_total`. */
  readonly name: string;
  readonly help: string;
  readonly labels?: readonly string[];
}

/** A metric: where its samples are in a snapshot. */
export type Family =
  | (FamilyHead & { readonly type: 'counter' | 'gauge'; readonly read: (at: Snapshot) => Sample<number>[] })
  | (FamilyHead & {
      readonly type: 'histogram';
      readonly read: (at: Snapshot) => Sample<DistributionData>[];
    });

const one = <T>(value: T): Sample<T>[] => [[[], value]];

/** Samples of all names, those included that have not come yet: a rate needs the zero before the first. */
const byName = (
  counts: Readonly<Record<string, number | undefined>>,
  names: readonly string[],
): Sample<number>[] =>
  [...new Set([...names, ...Object.keys(counts)])].map((name) => [[name], counts[name] ?? 0]);

const counter = (name: string, help: string, read: (at: Snapshot) => number): Family => ({
  type: 'counter',
  name,
  help,
  read: (at) => one(read(at)),
});

const gauge = (name: string, help: string, read: (at: Snapshot) => number): Family => ({
  type: 'gauge',
  name,
  help,
  read: (at) => one(read(at)),
});

/** Every metric of a server. Labels are from fixed sets: no topic, no identity, no text of anybody. */
export const families: readonly Family[] = [
  gauge(
    'connections',
    'Connections that are open, those in the handshake included.',
    ({ stats }) => stats.connections,
  ),
  counter('connections_accepted_total', 'Connections accepted.', ({ stats }) => stats.connected),
  {
    type: 'counter',
    name: 'disconnects_total',
    help: 'Connections ended, by close code, class of reason, and the side that ended them.',
    labels: ['code', 'reason', 'by'],
    read: ({ measures }) =>
      measures.disconnects.map(({ code, reason, by, count }) => [[code, reason, by], count] as const),
  },
  {
    type: 'counter',
    name: 'auth_failures_total',
    help: 'Tokens that did not open, or keep open, a connection.',
    labels: ['reason'],
    read: ({ measures }) => byName(measures.authFailures, ['refused', 'forbidden', 'expired', 'unavailable']),
  },
  {
    type: 'counter',
    name: 'limits_hit_total',
    help: 'Times that a limit refused, delayed or ended something, by limit.',
    labels: ['limit'],
    read: ({ stats }) => byName(stats.limitsHit, []),
  },
  counter(
    'received_bytes_total',
    'Bytes received, with all framing.',
    ({ measures }) => measures.receivedBytes,
  ),
  counter('sent_bytes_total', 'Bytes sent, with all framing.', ({ measures }) => measures.sentBytes),
  counter('frames_received_total', 'WebSocket messages received.', ({ stats }) => stats.frames),
  counter(
    'frames_malformed_total',
    'WebSocket messages that did not follow the schema.',
    ({ stats }) => stats.malformed,
  ),
  counter(
    'publishes_received_total',
    'Publishes received, from clients and from the back end.',
    ({ stats }) => stats.published,
  ),
  {
    type: 'counter',
    name: 'publishes_total',
    help: 'Publishes answered, by what became of them.',
    labels: ['outcome'],
    read: ({ stats }) => [
      [['accepted'], stats.accepted],
      [['duplicate'], stats.duplicates],
      [['refused'], stats.refused],
    ],
  },
  gauge(
    'publishes_in_process',
    'Publishes of clients that have no answer yet.',
    ({ measures }) => measures.publishesInProcess,
  ),
  counter(
    'acks_sent_total',
    'Acknowledgements sent; one covers all publishes of a turn.',
    ({ measures }) => measures.acks,
  ),
  counter('messages_sent_total', 'Messages sent to subscribers.', ({ stats }) => stats.delivered),
  {
    type: 'histogram',
    name: 'fanout_receivers',
    help: 'Subscriptions on this server that one message goes to, of topics that have any.',
    read: ({ measures }) => one(measures.fanOut),
  },
  gauge(
    'buffered_bytes',
    'Bytes that wait in the sockets of all connections.',
    ({ measures }) => measures.bufferedBytes,
  ),
  gauge(
    'transfer_bytes',
    'Bytes of large payloads under way to the server.',
    ({ stats }) => stats.transferBytes,
  ),
  counter('read_pauses_total', 'Times that reading from a connection paused.', ({ stats }) => stats.pauses),
  gauge('subscriptions', 'Subscriptions of all connections.', ({ stats }) => stats.subscriptions),
  gauge('topics', 'Topics with a subscription.', ({ stats }) => stats.topics),
  {
    type: 'counter',
    name: 'resumes_total',
    help: 'Subscriptions that were to go on from a position, by whether they could.',
    labels: ['outcome'],
    read: ({ measures }) => byName(measures.resumes, ['resumed', 'gap']),
  },
  {
    type: 'counter',
    name: 'gaps_total',
    help: 'Gaps told to subscribers, by reason.',
    labels: ['reason'],
    read: ({ measures }) => byName(measures.gaps, ['history', 'epoch']),
  },
  counter('requests_total', 'Requests received.', ({ stats }) => stats.requests),
  counter('requests_failed_total', 'Requests answered with an error.', ({ stats }) => stats.requestsFailed),
  counter(
    'trace_contexts_invalid_total',
    'Trace contexts of clients that were none, and were ignored.',
    ({ measures }) => measures.invalidTraces,
  ),
  {
    type: 'histogram',
    name: 'round_trip_seconds',
    help: 'From a WebSocket ping to its pong. Only silent connections are pinged.',
    read: ({ measures }) => one(measures.roundTrip),
  },
  {
    type: 'histogram',
    name: 'connection_stage_seconds',
    help: 'From the accepted connection to its welcome, first subscription and first message.',
    labels: ['stage'],
    read: ({ measures }) => Object.entries(measures.stages).map(([stage, data]) => [[stage], data] as const),
  },
];
