/** Which way the messages go: through onesocket, or through a WebSocket of each page's own. */
export type Side = 'ours' | 'direct';

export const sides: readonly Side[] = ['ours', 'direct'];

/** What the bench asks its server process. */
export type BenchCommand =
  | { readonly kind: 'flood'; readonly side: Side; readonly count: number }
  | { readonly kind: 'cost'; readonly side: Side }
  /** Answered with the time (ms since the epoch) at which the next message of a restarted page arrives. */
  | { readonly kind: 'first'; readonly side: Side }
  /** Accepts the messages of a restarted page, which wait until then. */
  | { readonly kind: 'release' };

/** What the bench asks the process with the crowd. */
export type CrowdCommand =
  | { readonly kind: 'gather'; readonly side: Side; readonly port: number; readonly count: number }
  /** From now on all wait for this text. */
  | { readonly kind: 'listen'; readonly mark: string }
  /** Answered with the time (ms since the epoch) at which the last one has it. */
  | { readonly kind: 'heard' }
  | { readonly kind: 'leave' };

/** What one side costs the server at this moment. */
export interface ServerCost {
  readonly connections: number;
  /** Bytes of heap and buffers after a garbage collection. */
  readonly memoryBytes: number;
}

/** One measured line. `ratio` is above 1 where ours is better. */
export interface BenchRow {
  readonly suite: 'fanout' | 'latency' | 'server' | 'durable' | 'failover';
  readonly name: string;
  readonly unit: string;
  readonly ours: number;
  readonly peer: number;
  readonly peerName: string;
  readonly ratio: number;
}

/** What it can be measured in. */
export const benchBrowsers = ['chromium', 'firefox'] as const;
export type BenchBrowser = (typeof benchBrowsers)[number];

/** How much is measured: few repetitions of short runs, or more of longer ones. */
export interface BenchPlan {
  readonly repetitions: number;
  /** Multiplies the number of messages. */
  readonly scale: number;
  /** For those suites that can be run in another one than Chromium. */
  readonly browser: BenchBrowser;
}

export const topic = 'bench';
/** Publishes to this topic are accepted only when the bench says so. */
export const heldTopic = 'held';

/** Where the bench's server has the library. */
export const libraryPath = '/dist/index.js';

/** Where it has the election of `broadcast-channel`. */
export const electionPath = '/election.js';
