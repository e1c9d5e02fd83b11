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

/** What serves a crowd, each in a process of its own. */
export type Peer = Side | 'socket.io';

/** What the bench asks the process of one of these. */
export type NodeCommand =
  /**
   * Publishes so many numbered messages, one in each `everyMs` milliseconds; with 0, all in one turn. Answered with the time
   * of the beginning, ms since the epoch.
   */
  | { readonly kind: 'emit'; readonly count: number; readonly everyMs: number }
  /** Answered with a {@link NodeMemory}. */
  | { readonly kind: 'memory' }
  /** Answered with the milliseconds of CPU that the process has used. */
  | { readonly kind: 'cpu' };

export interface NodeMemory {
  readonly connections: number;
  /** Bytes of heap and buffers after a garbage collection. */
  readonly memoryBytes: number;
  /** Bytes of the whole process then. */
  readonly rssBytes: number;
}

/** What the bench asks the process with the crowd. */
export type CrowdCommand =
  | { readonly kind: 'gather'; readonly peer: Peer; readonly port: number; readonly count: number }
  /** From now on all wait for this text. */
  | { readonly kind: 'listen'; readonly mark: string }
  /** Answered with the time (ms since the epoch) at which the last one has it. */
  | { readonly kind: 'heard' }
  /** Each publishes so many messages. Answered with the milliseconds until all are acknowledged. */
  | { readonly kind: 'publish'; readonly peer: Peer; readonly count: number; readonly window: number }
  | { readonly kind: 'leave' };

/** What one side costs the server at this moment. */
export interface ServerCost {
  readonly connections: number;
  /** Bytes of heap and buffers after a garbage collection. */
  readonly memoryBytes: number;
}

export type SuiteName = 'fanout' | 'latency' | 'server' | 'durable' | 'failover' | 'idle' | 'storm';

/** One measured line. `ratio` is above 1 where ours is better. */
export interface BenchRow {
  readonly suite: SuiteName;
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
  /** Of the suites `idle` and `storm`. */
  readonly connections: number | undefined;
}

export const topic = 'bench';
/** What a crowd publishes to: nobody has subscribed to it. */
export const publishTopic = 'published';
/** Publishes to this topic are accepted only when the bench says so. */
export const heldTopic = 'held';

/** Where the bench's server has the library. */
export const libraryPath = '/dist/index.js';

/** Where it has the election of `broadcast-channel`. */
export const electionPath = '/election.js';

/** What the bench asks a process with real clients. */
export type ClientsCommand =
  /** Adds clients until there are so many. Settles when all are open and subscribed. */
  | { readonly kind: 'gather'; readonly port: number; readonly count: number }
  /** From now on it is recorded what the clients do. */
  | { readonly kind: 'watch' }
  /** One client of so many publishes a message. Settles when all are handed to the hubs. */
  | { readonly kind: 'publish'; readonly oneOf: number }
  /** Settles when each is open and has all messages and acknowledgements. Answered with a {@link StormReport}. */
  | { readonly kind: 'settled' };

/** A wait that a hub has drawn. */
export interface PlannedAttempt {
  /** When the connection or attempt ended because of which it waits, ms since the epoch. */
  readonly failedAt: number;
  readonly waitMs: number;
  /** This wait and all before it since `watch`. */
  readonly afterMs: number;
}

/** What clients did since `watch`. Times are ms since the epoch. */
export interface StormReport {
  /** When each client saw its connection end for the first time. */
  readonly lost: readonly number[];
  /** When a hub opened a socket. */
  readonly dialled: readonly number[];
  readonly planned: readonly PlannedAttempt[];
  /** When each client was open for the last time. */
  readonly opened: readonly number[];
  /** Messages that came to a client to which they had not come before; all there were, for each of its subscribers. */
  readonly arrived: number;
  readonly expected: number;
  readonly repeated: number;
  readonly gaps: number;
}

/** What the bench asks the server of a storm. */
export type StormServerCommand =
  /** Answered with the port; 0 stands for any. */
  | { readonly kind: 'listen'; readonly port: number }
  /** Answered with a {@link StormServerUse}. */
  | { readonly kind: 'use' };

export interface StormServerUse {
  /** CPU that it has used. */
  readonly cpuMs: number;
  /** The longest time that its event loop was held up, by its own work or because others had the processor. */
  readonly stallMs: number;
}
