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
}

/**
 * Checks a token. Null, undefined or an error refuses it: the connection is closed 4401, with the message
 * as the reason where the error is a {@link RequestError}.
 */
export type Authenticate = (attempt: {
  readonly token: string;
  readonly request: PeerRequest;
}) => MaybePromise<Identity | null | undefined>;

/** What a client wants to do. For a request, `topic` is its method. */
export interface AuthorizeQuestion {
  readonly identity: string;
  readonly claims: unknown;
  readonly action: 'subscribe' | 'publish' | 'request';
  readonly topic: string;
}

/** Says whether a client may. Anything but `true`, and an error, is a no. Answer at once where you can. */
export type Authorize = (question: AuthorizeQuestion) => MaybePromise<boolean>;

/** A client's publish before it is accepted. */
export interface IncomingPublish {
  readonly identity: string;
  readonly claims: unknown;
  readonly clientId: string;
  readonly topic: string;
  /** The publisher's id of the message. */
  readonly id: string;
  /** The sequence of the message in its client's outbox. */
  readonly seq: number;
  /** A JSON value, or the bytes of a binary publish. */
  readonly payload: unknown;
}

/**
 * Sees every publish of a client, in order, before it is accepted. A returned refusal, or a thrown
 * {@link RequestError}, refuses it with that code; any other error refuses it as `rejected`.
 */
// `void` allows a hook without a return statement.
export type OnPublish = (publish: IncomingPublish) => MaybePromise<Refusal | undefined | void>;

/** What a request handler knows about its request. */
export interface RequestContext {
  readonly identity: string;
  readonly claims: unknown;
  readonly clientId: string;
  readonly clientEpoch: number;
  /** The request's id. */
  readonly id: string;
  /** Aborted when the client cancels or disconnects, and when the time is over. */
  readonly signal: AbortSignal;
}

/**
 * Answers a request: with a JSON value, or with bytes (`Uint8Array` or `ArrayBuffer`). To refuse with a
 * reason, throw a {@link RequestError}.
 */
export type RequestHandler = (input: unknown, context: RequestContext) => unknown;
