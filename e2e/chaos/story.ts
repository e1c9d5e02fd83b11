import type { LargeSize } from './large.ts';

/** What a page tells the runner, at the moment when it learns it. */
export type PageEvent =
  | readonly [kind: 'published', n: number, topic: string, large: LargeSize | null]
  | readonly [kind: 'stored', n: number, durability: string]
  | readonly [kind: 'acked', n: number]
  | readonly [kind: 'failed', n: number, promise: 'stored' | 'acked', code: string]
  | readonly [kind: 'seen', topic: string, epoch: string, offset: number, entry: string]
  | readonly [kind: 'checked', topic: string, offset: number, entry: string, problem: string | null]
  | readonly [kind: 'began', topic: string, durability: string]
  | readonly [kind: 'gap', topic: string, epoch: string, offset: number, reason: string]
  | readonly [kind: 'status', text: string, queued: number | null];

/** Some of them, of one page load. */
export interface PageReport {
  /** Random id of the page load: it numbers its entries from 1 on. */
  readonly producer: string;
  readonly events: readonly PageEvent[];
}

/** One entry, and all that its page was told of it. Times in milliseconds since the start of the run. */
export interface Story {
  readonly producer: string;
  /** Counts up by one per entry of the producer, over all topics. */
  readonly n: number;
  readonly topic: string;
  /** Of a large entry. */
  readonly large?: LargeSize;
  readonly publishedAt: number;
  storedAt?: number;
  /** `status.durability` when it was told stored. */
  durability?: string;
  ackedAt?: number;
  failed?: { readonly at: number; readonly promise: 'stored' | 'acked'; readonly code: string };
}

/** A message or a gap as a subscriber saw it. */
interface Sight {
  readonly kind: 'message' | 'gap';
  readonly epoch: string;
  readonly offset: number;
  /** Name of the entry; the reason of a gap. */
  readonly text: string;
}

/** Everything that one page saw of one topic, in order. */
export interface View {
  readonly producer: string;
  readonly topic: string;
  readonly sights: Sight[];
  /** `status.durability` when the subscription was confirmed; null if it never was. */
  beganWith: string | null;
}

/** A large message whose content was not what had been published, as a subscriber read it. */
export interface Damage {
  readonly producer: string;
  readonly topic: string;
  readonly offset: number;
  /** Name of the entry. */
  readonly entry: string;
  readonly problem: string;
}

/** A large content as the server holds it. */
export interface HeldLarge extends LargeSize {
  /** What is wrong with it. */
  readonly problem: string | null;
}

/** One message as the server holds it. */
export interface Held {
  readonly epoch: string;
  readonly offset: number;
  /** Name of the entry. */
  readonly entry: string;
  readonly large?: HeldLarge | undefined;
}

/** All that the server holds, by topic, in order. */
export type ServerRecord = ReadonlyMap<string, readonly Held[]>;

/** The name of an entry in payloads and reports. */
export const entryName = (producer: string, n: number): string => `${producer}.${n}`;

/** Producer and number in the name of an entry. */
export const partsOf = (entry: string): { readonly producer: string; readonly n: number } => {
  const dot = entry.lastIndexOf('.');
  return { producer: entry.slice(0, dot), n: Number(entry.slice(dot + 1)) };
};
