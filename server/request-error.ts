import * as protocolLimits from '../src/protocol/limits.ts';

/** Why the app refuses something, in words that are meant for the client. */
export interface Refusal {
  /** A short name of the app's own, up to 64 characters. */
  readonly code: string;
  /** Up to 1,024 characters; longer text is cut. */
  readonly message: string;
  /** Whether the same can succeed later. Default false. */
  readonly retryable?: boolean;
}

/**
 * An error that is meant for the client: thrown by a request handler, by `onPublish` or by `authenticate`,
 * its code and message are sent as they are. Of any other error the client learns only that there was one.
 *
 * @example
 * throw new RequestError('out-of-stock', 'Only 3 are left.');
 */
export class RequestError extends Error {
  override readonly name = 'RequestError';
  /** A short name of the app's own, up to 64 characters. */
  readonly code: string;
  /** Whether the same request can succeed later. */
  readonly retryable: boolean;

  constructor(code: string, message: string, options: ErrorOptions & { readonly retryable?: boolean } = {}) {
    super(message, options);
    this.code = code;
    this.retryable = options.retryable ?? false;
  }
}

/** A refusal as the wire takes it: an empty or overlong text of the app must not break the frame. */
export function wireFailure(refusal: Refusal): Refusal {
  const code = String(refusal.code || 'rejected').slice(0, protocolLimits.nameLength);
  const message = String(refusal.message || code).slice(0, protocolLimits.reasonLength);
  return refusal.retryable ? { code, message, retryable: true } : { code, message };
}
