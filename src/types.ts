import type { Durability, HostKind, HubStatus, WhenFull } from '../worker/core/hub-api.ts';
import type { AuthOptions } from './auth-types.ts';
import type { Gap, Message, Progress } from './message-types.ts';
import type { SocketMetrics } from './metrics-types.ts';
import type { ConnectionError } from './protocol/errors.ts';
import type { TraceContext } from './protocol/trace-context.ts';

export type { Gap, Message, Progress } from './message-types.ts';

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

/** Options of {@link connect}. The hub's own (`backoff`, `heartbeat`, ...) are those of the tab that attaches first. */
export interface ConnectOptions extends AuthOptions {
  /** Tabs with the same name share one hub. Default: the URL without query and fragment. */
  name?: string;
  /**
   * Whose messages these are: the `identity` that the server's `authenticate` returns for the user. Each identity has a
   * hub and an outbox of its own, and the server refuses a token of anybody else, so that what one user queued is never
   * sent as another. Give it if users can change in one browser. 1 to 256 characters. Default: none.
   */
  identity?: string;
  /** URL of the worker script, same origin. Default: `worker.js` beside this module. */
  worker?: string | URL;
  /** Runs the hub only there, for tests. Default: in the first of these that can start. */
  host?: 'shared-worker' | 'dedicated-worker' | 'page';
  heartbeat?: {
    /** Silence before a ping, in milliseconds. Default 30,000; the server may shorten it. */
    intervalMs?: number;
    /** How long any answer may take, in milliseconds. Default 10,000. */
    timeoutMs?: number;
  };
  /** Delay before attempt n is `min(maxMs, baseMs * 2^n) * (0.5 + random)`. */
  backoff?: {
    /** Default 1,000 ms. */
    baseMs?: number;
    /** Default 30,000 ms. */
    maxMs?: number;
    /** Failed attempts in a row before the connection is suspended. Default 30. */
    maxAttempts?: number;
    /** Time open after which attempts count from zero again. Default 5,000 ms. */
    stableMs?: number;
  };
  /** Deadline for the socket to open. Default 60,000 ms: browsers delay attempts after failures, Firefox by up to 60 s. */
  connectTimeoutMs?: number;
  /** Deadline from the open socket to the server's welcome. Default 10,000 ms. */
  handshakeTimeoutMs?: number;
  /** Bounds of the outbox. */
  queue?: {
    /** Default 10,000. */
    maxEntries?: number;
    /** Default 16 MiB. */
    maxBytes?: number;
    /** Of the contents of large messages, which do not count among `maxBytes`. Default 256 MiB. */
    maxLargeBytes?: number;
    /** Age at which an unsent message expires, in milliseconds. Default: 7 days. */
    maxAgeMs?: number;
    /**
     * What happens to a message for which there is no room: `reject` fails it, `block` leaves it unstored until there
     * is room, `drop-oldest` fails the oldest unsent ones in its place. Default `reject`.
     */
    whenFull?: WhenFull;
  };
  /**
   * `strict`: what is stored has been flushed to the disk. `relaxed`: the operating system has it; faster on slow
   * disks, and a power loss may take the last moments along. Default `strict`.
   */
  durability?: 'strict' | 'relaxed';
  /**
   * Asked at every publish, request and subscribe where the page is in a distributed trace: that goes with the message,
   * so that the work of the server, and of whoever gets the message, belongs to the same trace. Undefined, and what is no
   * W3C trace context, is none. Default: never asked.
   * @example
   * // With OpenTelemetry; `propagation` writes `traceparent` and `tracestate`.
   * trace: () => { const carrier = {}; propagation.inject(context.active(), carrier); return carrier; }
   */
  trace?: () => TraceContext | undefined;
  /**
   * Writes performance measures for a `PerformanceObserver` of the type `measure`: `onesocket:connect-open`, and from a
   * call to its outcome `onesocket:publish-stored`, `onesocket:publish-acked` (with `detail.id` of the delivery) and
   * `onesocket:subscribe-message` (the first one). Each is cleared from the page's timeline at once. Default false.
   */
  marks?: boolean;
}

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
   * Calls a request handler of the server. Rejects with `timeout`, `aborted`, `disconnected` (outcome unknown),
   * `forbidden`, `unknown-method`, `request-failed`, `queue-full`, `too-large` or `closed`.
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
