// Close codes by name: standard ones (RFC 6455, section 7.4.1, and the IANA registry), then our own.

/** Closed on purpose. */
export const normal = 1000;
/** The peer goes away. */
export const goingAway = 1001;
/** Broken WebSocket framing. */
export const protocolError = 1002;
/** A kind of data the peer does not take. */
export const unsupportedData = 1003;
/** Closed without a code. */
export const noStatus = 1005;
/** Lost, or the handshake failed. */
export const abnormal = 1006;
/** Text that is not UTF-8. */
export const invalidPayload = 1007;
/** Refused by a policy. */
export const policyViolation = 1008;
/** A frame above the maximum size. */
export const tooBig = 1009;
/** An extension is missing. */
export const missingExtension = 1010;
/** The server failed. */
export const internalError = 1011;
/** The server restarts. */
export const serviceRestart = 1012;
/** The server is overloaded. */
export const tryAgainLater = 1013;
/** A frame that does not follow the schema. */
export const malformedFrame = 4400;
/** The token was refused, or is missing. */
export const unauthenticated = 4401;
/** This identity may not connect. */
export const forbidden = 4403;
/** A valid message at the wrong moment. */
export const unexpected = 4405;
/** No common subprotocol or version. */
export const unsupportedVersion = 4406;
/** No hello, token or welcome in time. */
export const handshakeTimeout = 4408;
/** A newer hub has this client id. */
export const staleClientEpoch = 4409;
/** Another connection has this client id, of the same hub or of a newer one. */
export const connectionReplaced = 4410;
/** No sign of life from the peer. */
export const heartbeatTimeout = 4411;
/** The token has expired. */
export const tokenExpired = 4419;
/** More than the limits allow. */
export const limitExceeded = 4429;
