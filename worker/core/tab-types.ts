import type { BatchWindow } from './batch-window.ts';
import type { GapReason, Position, TabItem } from './hub-api.ts';
import type { TraceContext } from '../../src/protocol/trace-context.ts';
import type { Download } from './download.ts';
import type { TopicTail } from './topic-tail.ts';

/** What the hub knows of one attached tab. Bounded: messages wait in the topics' tails, not here. */
export interface Tab {
  readonly id: string;
  readonly hasAuth: boolean;
  /** Orders tabs by when they last gave a sign of a user; the highest is asked for a token first. */
  activeOrder: number;
  readonly window: BatchWindow;
  /** When the tab last took a batch, or came. */
  takenAt: number;
  /** Answers that wait for credit. Their number is bounded by what the tab may have asked. */
  readonly answers: TabItem[];
  /** Cumulative acknowledgements that wait for credit; 0 for none. */
  storedUpTo: number;
  ackedUpTo: number;
  /** Those up to `ackedUpTo` that it does not mean. */
  but: readonly number[];
  /** How far the contents of its large entries have come, by tab sequence, as far as it has not been told. */
  readonly uploads: Map<number, number>;
  /** Where its topics with a kept position are once it has taken the batch with this number. */
  readonly cursors: {
    readonly number: number;
    readonly sub: number;
    readonly topic: Topic;
    readonly position: Position;
  }[];
  statusIsDirty: boolean;
  readonly subscriptions: Map<number, TabSubscription>;
  /** Subscriptions with something to deliver. */
  readonly ready: Set<TabSubscription>;
}

/** One subscription of one tab: a place in the tail of its topic. */
export interface TabSubscription {
  readonly tab: Tab;
  readonly sub: number;
  readonly topic: Topic;
  readonly replay: number;
  /** Where it was at an earlier hub, or before the topic was rewound. */
  since: Position | null;
  readonly keepsCursor: boolean;
  /** The last position that the batch being made holds, where that is kept. */
  reached: Position | null;
  /** Place of the next message for it; null until the server has confirmed the topic. */
  place: number | null;
  /** What comes up to this position is not for it: it has that already, or began after it. */
  skipTo: Position | null;
  paused: boolean;
  /** How far it was told a download to be. */
  told: { readonly download: Download; readonly step: number } | null;
  /** A gap of its own, to be told before anything else. */
  gap: { readonly reason: GapReason; readonly missed: number | null } | null;
}

/** One topic that at least one tab wants: subscribed once at the server, for all of them. */
export interface Topic {
  readonly name: string;
  tail: TopicTail;
  readonly subscriptions: Set<TabSubscription>;
  /** Last position taken from the server; null before the first confirmation. */
  cursor: Position | null;
  /** The large message after that, as far as it has come. */
  download: Download | null;
  wire: { readonly state: 'wanted' } | Asked | { readonly state: 'live' };
  /** Of the subscription because of which it is wanted, until it is asked for. */
  trace: TraceContext | undefined;
}

interface Asked {
  readonly state: 'asked';
  /** Id of the subscribe envelope; what answers another one is stale. */
  readonly id: string;
  readonly resume: Position | null;
}
