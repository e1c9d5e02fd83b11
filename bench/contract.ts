/** Which way the messages go: through onesocket, or through a WebSocket of each page's own. */
export type Side = 'ours' | 'direct';

/** What the bench asks its server process. */
export type BenchCommand =
  | { readonly kind: 'flood'; readonly side: Side; readonly count: number }
  | { readonly kind: 'cost'; readonly side: Side };

/** What one side costs the server at this moment. */
export interface ServerCost {
  readonly connections: number;
  /** Bytes of heap and buffers after a garbage collection. */
  readonly memoryBytes: number;
}

/** One measured line. `ratio` is above 1 where ours is better. */
export interface BenchRow {
  readonly suite: 'fanout' | 'latency' | 'server';
  readonly name: string;
  readonly unit: string;
  readonly ours: number;
  readonly peer: number;
  readonly peerName: string;
  readonly ratio: number;
}

/** How much is measured: few repetitions of short runs, or more of longer ones. */
export interface BenchPlan {
  readonly repetitions: number;
  /** Multiplies the number of messages. */
  readonly scale: number;
}

export const topic = 'bench';
