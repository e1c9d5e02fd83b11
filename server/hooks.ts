import type { LargePayload } from './backbone.ts';
import type { MaybePromise } from './maybe-promise.ts';
import type { Refusal } from './request-error.ts';
import type { PeerRequest } from './transport.ts';

/** Who a connection is, as `authenticate` says. */
export interface Identity {
  /** 1 to 256 characters, without U+0000. What one identity publishes is deduplicated apart from all others. */
  readonly identity: string;
  /** When the token expires, in milliseconds since the Unix epoch; the connection is closed 4419 then. Default: never. */
  readonly expiresAt?: number;
  /** Anything of the app's own; handed to the other hooks, never sent. */
  readonly claims?: unknown;
  /** What presence lists show of them: a JSON value of at most 1,024 bytes. Default: nothing. */
  readonly presence?: unknown;
}

/**
 * Checks a token. Null, undefined or an error refuses it: the connection is closed 4401, with the message
 * as the reason where the error is a {@link RequestError}. One that is `retryable` says that the token could not be
 * checked: closed 1013, and the client tries again later. An `expiresAt` in the past is closed 4419, and the client comes
 * back with a new token. In `request` the token itself is hidden, whichever way it came.
 */
export type Authenticate = (attempt: {
  readonly token: string;
  readonly request: PeerRequest;
}) => MaybePromise<Identity | null | undefined>;

/** What a client wants to do. For a request, `topic` is its method. */
export interface AuthorizeQuestion {
  readonly identity: string;
  readonly claims: unknown;
  readonly action: 'subscribe' | 'publish' | 'request' | 'presence' | 'signal';
  readonly topic: string;
}

/**
 * Whether a client may. With `ttlMs` the answer is kept for so many milliseconds, and nobody is asked again about the
 * same meanwhile, unless `server.revoke()` or a new token drops it. A plain boolean is not kept: publishes, requests
 * and signals are asked about each time. What is live, a subscription or a presence list, is asked about again when its
 * answer expires; after a plain `true` that is `limits.grantMs`.
 */
export type AuthorizeAnswer = boolean | { readonly allow: boolean; readonly ttlMs: number };

/** Says whether a client may. Anything that is no yes, and an error, is a no. Answer at once where you can. */
export type Authorize = (question: AuthorizeQuestion) => MaybePromise<AuthorizeAnswer>;

/** A client's publish before it is accepted. */
export interface IncomingPublish {
  readonly identity: string;
  readonly claims: unknown;
  /** The outbox that the message comes from. `identity`, `clientId` and `seq` together name it once and for all. */
  readonly clientId: string;
  /** Which opening of the outbox sends it. It can be another when the same message is sent again. */
  readonly clientEpoch: number;
  readonly topic: string;
  /** The publisher's id of the message; chosen by the client, so no proof of anything. */
  readonly id: string;
  /** The sequence of the message in its client's outbox; the same whenever it is sent again. */
  readonly seq: number;
  /** A JSON value, or the bytes of a binary publish; undefined for a large one. */
  readonly payload: unknown;
  /** The content of a publish that came in chunks. */
  readonly large?: IncomingLarge | undefined;
}

/** A large payload before it is accepted. Its parts are those that are published: do not change them. */
export type IncomingLarge = Pick<LargePayload, 'size' | 'form' | 'mime' | 'parts'>;

/**
 * Sees every publish of a client, in order, before it is accepted. A returned refusal, or a thrown
 * {@link RequestError}, refuses it with that code; any other error refuses it as `rejected`.
 *
 * A message is published once, but the hook runs before that, and not in the same atomic step. Where the server
 * or the backbone fails in between, the client sends the message again and the hook sees it again. Effects of
 * your own that must happen once are to be remembered together with what names the message:
 *
 * @example
 * onPublish: ({ identity, clientId, seq, payload }) =>
 *   database.transaction(async (tx) => {
 *     // A unique key over the three columns; false where there is such a row already.
 *     const isNew = await tx.insertUnlessThere('handled', { identity, clientId, seq });
 *     if (isNew) await tx.insert('orders', payload);
 *   }),
 */
// `void` allows a hook without a return statement.
export type OnPublish = (publish: IncomingPublish) => MaybePromise<Refusal | undefined | void>;

/** What a request handler knows about its request. */
export interface RequestContext {
  readonly identity: string;
  readonly claims: unknown;
  readonly clientId: string;
  readonly clientEpoch: number;
  /**
   * The request's id. The library never repeats a request by itself; an app that asks again asks with a new id,
   * so effects that must happen once need a key of the app's own in the input.
   */
  readonly id: string;
  /** Aborted when the client cancels or disconnects, and when the time is over. */
  readonly signal: AbortSignal;
}

/**
 * Answers a request: with a JSON value, or with bytes (`Uint8Array` or `ArrayBuffer`). To refuse with a
 * reason, throw a {@link RequestError}.
 */
export type RequestHandler = (input: unknown, context: RequestContext) => unknown;
