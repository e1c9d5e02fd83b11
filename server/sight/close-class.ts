import * as closeCodes from '../../src/protocol/close-codes.ts';

/** Why connections end, in few words: what a dashboard groups by. */
export type CloseClass =
  /** Closed on purpose. */
  | 'normal'
  /** The server restarts. */
  | 'restart'
  /** No close frame came. */
  | 'lost'
  /** No sign of life, or no handshake in time. */
  | 'timeout'
  /** The token, or whose it is. */
  | 'authentication'
  /** A newer connection has the client id. */
  | 'replaced'
  /** More than the limits allow, or overload. */
  | 'limit'
  /** The peer broke the protocol. */
  | 'protocol'
  /** The server failed. */
  | 'failure'
  /** A code that is not of this protocol. */
  | 'other';

const codesByClass: { readonly [C in Exclude<CloseClass, 'other'>]: readonly number[] } = {
  normal: [closeCodes.normal, closeCodes.goingAway],
  restart: [closeCodes.serviceRestart],
  lost: [closeCodes.noStatus, closeCodes.abnormal],
  timeout: [closeCodes.handshakeTimeout, closeCodes.heartbeatTimeout],
  authentication: [closeCodes.unauthenticated, closeCodes.forbidden, closeCodes.tokenExpired],
  replaced: [closeCodes.staleClientEpoch, closeCodes.connectionReplaced],
  limit: [closeCodes.policyViolation, closeCodes.tooBig, closeCodes.tryAgainLater, closeCodes.limitExceeded],
  protocol: [
    closeCodes.protocolError,
    closeCodes.unsupportedData,
    closeCodes.invalidPayload,
    closeCodes.missingExtension,
    closeCodes.malformedFrame,
    closeCodes.unexpected,
    closeCodes.unsupportedVersion,
  ],
  failure: [closeCodes.internalError],
};

const classByCode = new Map(
  Object.entries(codesByClass).flatMap(([name, codes]) => codes.map((code) => [code, name as CloseClass])),
);

/** The class of a close code. */
export const closeClass = (code: number): CloseClass => classByCode.get(code) ?? 'other';

/** A close code as a label: a client may close with any of 1,000 codes, and those are one label. */
export const codeLabel = (code: number): string => (classByCode.has(code) ? String(code) : 'other');
