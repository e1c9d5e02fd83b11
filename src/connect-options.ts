import type { WhenFull } from '../worker/core/hub-api.ts';
import type { AuthOptions } from './auth-types.ts';
import type { TraceContext } from './protocol/trace-context.ts';

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
