/** Options of the server process, given to it as JSON in the environment variable `E2E_SERVER`. */
export interface ServerSettings {
  /** The one token that is accepted. Default: none is needed. */
  readonly token?: string;
  /**
   * In its place: any token like `ada/1` is one of `ada`. Those of `nobody` are refused, those
   * of `quoted` and `broken` by errors that quote them, of which the client hears the first, and those of `late` have
   * expired.
   */
  readonly users?: boolean;
  /** How long each of those lives. Default: for ever. */
  readonly tokenLifeMs?: number;
  /** How they may come, besides the first message. */
  readonly tokens?: { readonly subprotocol?: boolean; readonly query?: string; readonly cookie?: string };
  /** Where the pages are, for a token in a cookie. */
  readonly origins?: readonly string[];
  /** Keeps who is in a topic. Default: no presence. */
  readonly presence?: { readonly graceMs: number };
  readonly heartbeatMs?: number;
  readonly limits?: Readonly<Record<string, number>>;
  /** Whether everything that the server shows to whoever runs it is kept. Default false: errors go to stderr. */
  readonly inspected?: boolean;
  /** Whether spans, and the calls inside of them, are recorded. Default false. */
  readonly traces?: boolean;
}

/** Name of that environment variable. */
export const settingsVariable = 'E2E_SERVER';

/** A message as the server accepted it. */
export interface Accepted {
  readonly topic: string;
  readonly epoch: string;
  readonly offset: number;
  readonly id: string;
  /** JSON text, or `bytes:` and hexadecimal digits. */
  readonly payload: string;
}

/** Somebody in a topic. */
interface Present {
  readonly identity: string;
  /** In milliseconds since the Unix epoch. */
  readonly since: number;
}

/** Who is in a topic. */
export interface PresentList {
  readonly members: readonly Present[];
  readonly count: number;
}

/** What a request handler has seen. */
export interface RequestSeen {
  readonly method: string;
  readonly moment: 'started' | 'aborted';
}

/** A span that the server began, and where it was in the trace of its tab. */
export interface SpanSeen {
  readonly kind: 'publish' | 'request' | 'subscribe';
  readonly topic: string;
  /** What the tab sent; null where it sent none. */
  readonly traceparent: string | null;
}

/** A hook or handler, and the span in which it was called. */
export interface TracedCall {
  readonly call: 'authorize' | 'onPublish' | 'echo';
  /** Null outside of any span. */
  readonly traceparent: string | null;
}

/** What one server process has seen since its start. */
export interface ServerRecord {
  readonly pid: number;
  /** Connections to onesocket: open now, and ever accepted. */
  readonly connections: { readonly now: number; readonly ever: number };
  /** When WebSockets arrived, on any path, in milliseconds since the Unix epoch with fractions. */
  readonly arrivals: readonly number[];
  /** Topics with a subscription at this moment. */
  readonly topics: readonly string[];
  /** Subscribes ever taken, by topic. */
  readonly subscribes: Readonly<Record<string, number>>;
  /** Tokens that were given, in order. */
  readonly tokens: readonly string[];
  readonly requests: readonly RequestSeen[];
  /** With `traces` alone. */
  readonly spans: readonly SpanSeen[];
  readonly tracedCalls: readonly TracedCall[];
  /** Publishes skipped because they had been accepted before. */
  readonly duplicates: number;
  /** Messages sent to subscribers. */
  readonly delivered: number;
}

/** What a test may ask of the server process. */
export type ServerCommand =
  | { readonly kind: 'record' }
  /** The end of its log. Answered with `string[]`. */
  | { readonly kind: 'log' }
  /** Everything accepted in a topic, in order. Answered with `Accepted[]`. */
  | { readonly kind: 'accepted'; readonly topic: string }
  /** Publishes these payloads from the back end, in order. */
  | { readonly kind: 'publish'; readonly topic: string; readonly payloads: readonly unknown[] }
  /** Publishes `{ n }` for n from 1 to `count`, as fast as the event loop turns. */
  | { readonly kind: 'flood'; readonly topic: string; readonly count: number }
  /** Publishes `{ n }` to each topic in turn, every millisecond, until `stop-flow`. */
  | { readonly kind: 'start-flow'; readonly topics: readonly string[] }
  | { readonly kind: 'stop-flow' }
  /** From now on `authorize` says no to everything of this identity in this topic. Tells nobody. */
  | { readonly kind: 'forbid'; readonly identity: string; readonly topic: string }
  /** Revokes what was answered about it. Answered with the number of subscriptions and presence lists that it ended. */
  | { readonly kind: 'revoke'; readonly identity: string; readonly topic: string; readonly reason: string }
  /** Needs `inspected`. Answered with all that the server shows to whoever runs it, as one text. */
  | { readonly kind: 'inspect' }
  /** Who is in a topic. Answered with a `PresentList`. */
  | { readonly kind: 'presence'; readonly topic: string };
