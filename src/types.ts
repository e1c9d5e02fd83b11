import type { Durability, HostKind, HubStatus } from '../worker/core/hub-api.ts';
import type { Gap, Message, Progress } from './message-types.ts';
import type { SocketMetrics } from './metrics-types.ts';
import type { Presence, Signal } from './presence-types.ts';
import type { ConnectionError } from './protocol/errors.ts';

export type { Gap, Message, Progress } from './message-types.ts';

export type { ConnectOptions } from './connect-options.ts';
export type { Presence, Signal } from './presence-types.ts';

/**
 * The payload types of an application: topics by name or by template, and requests by method.
 * @example
 * interface App {
 *   topics: { ticks: { price: number }; [chat: `chat:${string}`]: { text: string } };
 *   requests: { 'orders.place': { input: { sku: string }; output: { orderId: string } } };
 * }
 * const socket = connect<App>('wss://example.com/realtime');
 */
export interface ApiShape {
  topics: object;
  requests: object;
}

/** Any topic and any request. Payloads that arrive are `unknown` until the app checks them. */
export interface UntypedApi {
  topics: Record<string, unknown>;
  requests: Record<string, { input: unknown; output: unknown }>;
}

type TopicOf<A extends ApiShape> = keyof A['topics'] & string;
type MethodOf<A extends ApiShape> = keyof A['requests'] & string;
type InputOf<R> = R extends { input: infer I } ? I : never;
type OutputOf<R> = R extends { output: infer O } ? O : never;

/** The state of the connection as this tab sees it. */
export interface SocketStatus extends Omit<HubStatus, 'host' | 'hubId' | 'durability'> {
  /** Where the hub runs; null until this tab is attached to one. */
  readonly host: HostKind | null;
  /** Id of the hub; null until this tab is attached to one. */
  readonly hubId: string | null;
  /** Where stored messages are: `memory` does not outlive the hub. Null until this tab is attached to one. */
  readonly durability: Durability | null;
  /** Id of this tab. */
  readonly tabId: string;
}

/** Events of {@link OneSocket}. */
export interface SocketEventMap {
  /** The status changed; `event.detail` is the new one. */
  status: CustomEvent<SocketStatus>;
  /** An entry ended without reaching the server, whether or not somebody awaits its delivery. */
  dropped: CustomEvent<{ readonly id: string; readonly topic: string; readonly error: ConnectionError }>;
  /** A signal of this tab was not sent: `not-open`, or the server's `forbidden` or `rejected`. */
  'signal-dropped': CustomEvent<{ readonly topic: string; readonly error: ConnectionError }>;
}

/** Options of {@link OneSocket.subscribe}. */
export interface SubscribeOptions {
  /** Kept messages to begin with, at most. Default 0. */
  replay?: number;
  /**
   * `stored`: keeps the position in IndexedDB, and begins after the last message that a tab of this browser has taken.
   * After a crash the last messages may come again. Where none is stored yet, `replay` counts.
   */
  since?: 'stored';
  /** Ends the subscription. */
  signal?: AbortSignal;
}

/**
 * A subscription of this tab. Handlers and iterators see the same messages in the same order as every other
 * tab. An iterator that falls behind pauses the subscription, and sees a gap if it falls off the hub's tail.
 */
export interface Subscription<T = unknown> extends AsyncIterable<Message<T>>, AsyncDisposable {
  readonly topic: string;
  /** Settles when server or hub confirmed it. Rejects with `forbidden`, `rejected` or `closed`. */
  readonly ready: Promise<void>;
  /** Calls `handler` for every message from now on; registering it twice changes nothing. Returns a function that ends that. */
  onMessage(handler: (message: Message<T>) => void): () => void;
  /** Calls `handler` for every gap from now on. Returns a function that ends that. */
  onGap(handler: (gap: Gap) => void): () => void;
  /**
   * Calls `handler` while a large message is on its way: a Blob, or a payload above 64 KiB. At most a hundred times for
   * each. Returns a function that ends that.
   */
  onProgress(handler: (progress: Progress) => void): () => void;
  /** Calls `handler` for every signal from now on, but for those of this tab. Returns a function that ends that. */
  onSignal(handler: (signal: Signal) => void): () => void;
  /**
   * Calls `handler` when the subscription has ended by itself: `forbidden` where the server does not allow it any more,
   * with its reason as the message and `revoked` as the detail. Iterators throw the same. Returns a function that ends that.
   */
  onEnd(handler: (error: ConnectionError) => void): () => void;
  /** Ends the subscription and its iterators. */
  close(): void;
}

/** One published message on its way. */
export interface Delivery {
  readonly id: string;
  /**
   * The outbox has it: from now on it reaches the server once in effect, whatever dies, as long as
   * `status.durability` is not `memory`. Rejects with `queue-full`, `hub-lost`, `superseded`, `cancelled`,
   * `aborted`, `purged`, `unknown-entry` or `closed`. A volatile message is never stored: this settles as `acked` does.
   */
  readonly stored: Promise<void>;
  /**
   * The server has it. Rejects as `stored` does, and with `forbidden`, `rejected`, `too-large`, `expired` or `not-open`;
   * with `invalid-payload` if the content of a Blob cannot be read any more, as of a file that has changed.
   */
  readonly acked: Promise<void>;
  /**
   * Takes the message back. False if it is too late: it was sent, or may have been, or has ended otherwise. Rejects
   * with `hub-lost`, `queue-full` or `closed`.
   */
  cancel(): Promise<boolean>;
}

/** Options of {@link OneSocket.publish}. */
export interface PublishOptions {
  /** Drop the message if it could not be sent in this time. Milliseconds, default: the outbox's `maxAgeMs`. */
  ttlMs?: number;
  /**
   * Takes the place of an unsent message of this topic with the same key, of whichever tab: for positions and states of
   * which only the newest matters. The other one fails with `superseded`. 1 to 128 characters.
   */
  coalesceKey?: string;
  /**
   * Never stored, and dropped with `not-open` unless it can be sent now. It does not wait behind large messages of its
   * topic, and is no Blob. Default false.
   */
  volatile?: boolean;
  /** Told how much of a large message the server has, from 0 to 1, at most a hundred times. */
  onProgress?: (ratio: number) => void;
  /** Takes the message back, where that is not too late: the delivery then rejects with `aborted`. */
  signal?: AbortSignal;
}

/** A message in the outbox that has no fate yet, of whichever tab. */
export interface OutboxEntry {
  /** Id of its delivery. */
  readonly id: string;
  readonly topic: string;
  /** JSON value, or an ArrayBuffer; of a large message its Blob, unread. */
  readonly payload: unknown;
  /** When it was published, and when it expires, in milliseconds since the Unix epoch. */
  readonly ts: number;
  readonly expiresAt: number | null;
  /** Whether it may be with the server already. */
  readonly isSent: boolean;
}

/** What this browser has still to send. */
export interface Outbox {
  /** All entries without a fate, oldest first. Rejects with `hub-lost`, `queue-full` or `closed`. */
  entries(): Promise<OutboxEntry[]>;
  /**
   * The delivery of an entry by its id, of whichever tab and after any reload. Both promises reject with
   * `unknown-entry` where the outbox has no such entry and remembers no failure of it.
   */
  delivery(id: string): Delivery;
}

/** Options of {@link OneSocket.request}. */
export interface RequestOptions {
  /** Milliseconds, default 10,000. */
  timeoutMs?: number;
  signal?: AbortSignal;
}

/** This tab's way to the one socket of the origin. Made by {@link connect}. */
export interface OneSocket<A extends ApiShape = UntypedApi> extends AsyncDisposable {
  readonly status: SocketStatus;
  /** Subscribes to a topic. Errors arrive at {@link Subscription.ready}. */
  subscribe<K extends TopicOf<A>>(topic: K, options?: SubscribeOptions): Subscription<A['topics'][K]>;
  /**
   * Publishes a JSON value, an ArrayBuffer or a Blob, of any size that the server takes: what is large goes in parts, and
   * other topics pass. Throws a ConnectionError `invalid-payload` for anything else; all other errors arrive at the delivery's promises and as a `dropped` event.
   */
  publish<K extends TopicOf<A>>(topic: K, payload: A['topics'][K], options?: PublishOptions): Delivery;
  /**
   * Tells a JSON value of at most 1,024 bytes to all who are subscribed to a topic now, other tabs of this browser included,
   * this one not. It is never stored and never waits: where it cannot be sent at once, a `signal-dropped` event says so,
   * and `status.signalsDropped` counts. Throws a ConnectionError `invalid-payload` or `too-large`.
   */
  signal<K extends TopicOf<A>>(topic: K, payload: unknown): void;
  /** Follows who is in a topic. It takes no subscription, and makes nobody be there. */
  presence<K extends TopicOf<A>>(topic: K): Presence;
  /**
   * Calls a request handler of the server. Rejects with `timeout`, `aborted`, `disconnected` (outcome unknown),
   * `forbidden`, `unknown-method`, `invalid-payload`, `request-failed`, `queue-full`, `too-large` or `closed`.
   */
  request<M extends MethodOf<A>>(
    method: M,
    input: InputOf<A['requests'][M]>,
    options?: RequestOptions,
  ): Promise<OutputOf<A['requests'][M]>>;
  /**
   * Connects anew now: out of backoff or suspension, and in place of an open connection. An attempt that is under way
   * goes on. Settles when open; rejects with the error that ended the attempt.
   */
  reconnect(): Promise<void>;
  /** What is pending, of all tabs. */
  readonly outbox: Outbox;
  /**
   * Empties outbox and stored cursors of this identity, as for a logout; pending deliveries fail with `purged`. Rejects
   * with `storage-failed` where the store may still hold something, and with `hub-lost`, `queue-full` or `closed`.
   */
  purge(): Promise<void>;
  /** What hub and tab have counted until now. Rejects with `queue-full` or `closed`. */
  metrics(): Promise<SocketMetrics>;
  /** This tab leaves; what it published is stored first, and the socket stays for the others. */
  close(): Promise<void>;
  addEventListener<E extends keyof SocketEventMap>(
    type: E,
    listener: (event: SocketEventMap[E]) => void,
    options?: AddEventListenerOptions | boolean,
  ): void;
  removeEventListener<E extends keyof SocketEventMap>(
    type: E,
    listener: (event: SocketEventMap[E]) => void,
    options?: EventListenerOptions | boolean,
  ): void;
}
