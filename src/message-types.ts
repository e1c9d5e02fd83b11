import type { GapReason } from '../worker/core/hub-api.ts';
import type { TraceContext } from './protocol/trace-context.ts';

/** One message of a topic. */
export interface Message<T = unknown> {
  readonly topic: string;
  /** JSON value, an ArrayBuffer if it was published as bytes, or a Blob. */
  readonly payload: T;
  /** The id of the publisher's delivery. */
  readonly id: string;
  /** Position in the topic: counts up by one per message within an epoch. */
  readonly offset: number;
  readonly epoch: string;
  /** When the server accepted it, in milliseconds since the Unix epoch. */
  readonly ts: number;
  /** Where the trace of its publish has come to, where it has one: the publisher says so, and it may be anybody. */
  readonly trace?: TraceContext;
}

/** Messages that this subscription will not see. Fetch a snapshot if the app needs them. */
export interface Gap {
  readonly topic: string;
  readonly reason: GapReason;
  /** How many, where that is known. */
  readonly missed: number | null;
  /** The messages that follow have the offsets after this one. */
  readonly offset: number;
  readonly epoch: string;
}

/** How much of a large message has come. The message follows when all of it is there. */
export interface Progress {
  readonly topic: string;
  /** The id of the publisher's delivery. */
  readonly id: string;
  readonly offset: number;
  /** In bytes. */
  readonly received: number;
  readonly size: number;
  /** From 0 to 1. */
  readonly ratio: number;
}
