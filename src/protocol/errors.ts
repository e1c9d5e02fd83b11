/**
 * Why something failed.
 * - `invalid-option`, `invalid-payload`: the caller's mistake; nothing was sent
 * - `host-unavailable`: no hub can run here
 * - `hub-lost`: the hub died or did not answer within its deadline; the outcome is unknown
 * - `unsupported-version`: tab and hub, or hub and server, have no version in common
 * - `auth-failed`: no token could be had, or the server refused it
 * - `forbidden`: the server does not allow this topic, request or connection
 * - `rejected`: the server refused the entry
 * - `too-large`: above what the server takes, in one frame or as a large payload
 * - `queue-full`: a bounded queue is at its high-water mark, or the entry made room for a newer one
 * - `expired`: the entry's `ttlMs`, or the outbox's `maxAgeMs`, passed before it was sent
 * - `superseded`: a newer entry with the same `coalesceKey` took its place
 * - `cancelled`: the app took the entry back
 * - `purged`: the app emptied the outbox
 * - `not-open`: a volatile message that could not be sent at once, or not to the end
 * - `unknown-entry`: the outbox has no such entry: it was acknowledged long ago, or never stored
 * - `storage-failed`: IndexedDB is missing or failed; the outbox goes on in memory
 * - `timeout`: the deadline passed; for a request the outcome is unknown
 * - `aborted`: the caller's AbortSignal
 * - `disconnected`: the connection was lost with the request under way; the outcome is unknown
 * - `protocol`: the peer broke the protocol
 * - `request-failed`: the request handler threw
 * - `unknown-method`: the server has no such request handler
 * - `closed`: this tab has left
 */
export type ConnectionErrorCode =
  | 'invalid-option'
  | 'invalid-payload'
  | 'host-unavailable'
  | 'hub-lost'
  | 'unsupported-version'
  | 'auth-failed'
  | 'forbidden'
  | 'rejected'
  | 'too-large'
  | 'queue-full'
  | 'expired'
  | 'superseded'
  | 'cancelled'
  | 'purged'
  | 'not-open'
  | 'unknown-entry'
  | 'storage-failed'
  | 'timeout'
  | 'aborted'
  | 'disconnected'
  | 'protocol'
  | 'request-failed'
  | 'unknown-method'
  | 'closed';

/** A {@link ConnectionError} as it crosses ports and the wire. */
export interface ErrorData {
  readonly code: ConnectionErrorCode;
  readonly message: string;
  readonly retryable: boolean;
  /** The server's own code or the close code, where there is one. */
  readonly detail?: string | undefined;
}

/** The one error class of the library: every promise settles with a value or with one of these. */
export class ConnectionError extends Error {
  override readonly name = 'ConnectionError';
  /** Why it failed. */
  declare readonly code: ConnectionErrorCode;
  /** Whether the same call can succeed later without a change by the caller. */
  declare readonly retryable: boolean;
  /** The server's own code or the close code, where there is one. */
  declare readonly detail?: string | undefined;

  constructor(data: ErrorData, options?: ErrorOptions) {
    super(data.message, options);
    Object.assign(this, data);
  }
}

/** The plain data of an error that is not retryable unless said. */
export const errorData = (
  code: ConnectionErrorCode,
  message: string,
  more: { readonly retryable?: boolean; readonly detail?: string } = {},
): ErrorData => ({ code, message, retryable: false, ...more });

/** Too much of something waits: the same call may succeed later. */
export const queueFull = (what: string): ErrorData =>
  errorData('queue-full', `too many ${what}`, { retryable: true });
