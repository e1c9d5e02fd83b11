/**
 * What the hub does when a connection closes with a code.
 * - `retry`: connect again after the backoff
 * - `retry-later`: as `retry`, from the longest delay of the policy unless the server named one
 * - `reauthenticate`: ask a tab for a new token, then as `retry`
 * - `drop-entry`: refuse the oldest unacknowledged entry as too large, then as `retry`
 * - `stop`: stay disconnected until the app calls `reconnect()`
 */
export type CloseAction = 'retry' | 'retry-later' | 'reauthenticate' | 'drop-entry' | 'stop';

interface CloseCodeRow {
  readonly code: number;
  readonly action: CloseAction;
  readonly meaning: string;
}

/** Close codes by name: standard ones (RFC 6455, section 7.4.1, and the IANA registry), then our own. */
export const closeCodes = {
  normal: { code: 1000, action: 'retry', meaning: 'closed on purpose' },
  goingAway: { code: 1001, action: 'retry', meaning: 'the peer goes away' },
  protocolError: { code: 1002, action: 'retry', meaning: 'broken WebSocket framing' },
  unsupportedData: { code: 1003, action: 'stop', meaning: 'a kind of data the peer does not take' },
  noStatus: { code: 1005, action: 'retry', meaning: 'closed without a code' },
  abnormal: { code: 1006, action: 'retry', meaning: 'lost, or the handshake failed' },
  invalidPayload: { code: 1007, action: 'stop', meaning: 'text that is not UTF-8' },
  policyViolation: { code: 1008, action: 'stop', meaning: 'refused by a policy' },
  tooBig: { code: 1009, action: 'drop-entry', meaning: 'a frame above the maximum size' },
  missingExtension: { code: 1010, action: 'stop', meaning: 'an extension is missing' },
  internalError: { code: 1011, action: 'retry', meaning: 'the server failed' },
  serviceRestart: { code: 1012, action: 'retry', meaning: 'the server restarts' },
  tryAgainLater: { code: 1013, action: 'retry-later', meaning: 'the server is overloaded' },
  malformedFrame: { code: 4400, action: 'stop', meaning: 'a frame that does not follow the schema' },
  unauthenticated: { code: 4401, action: 'stop', meaning: 'the token was refused, or is missing' },
  forbidden: { code: 4403, action: 'stop', meaning: 'this identity may not connect' },
  unexpected: { code: 4405, action: 'retry', meaning: 'a valid message at the wrong moment' },
  unsupportedVersion: { code: 4406, action: 'stop', meaning: 'no common subprotocol or version' },
  handshakeTimeout: { code: 4408, action: 'retry', meaning: 'no hello, token or welcome in time' },
  staleClientEpoch: { code: 4409, action: 'stop', meaning: 'a newer hub has this client id' },
  heartbeatTimeout: { code: 4411, action: 'retry', meaning: 'no sign of life from the peer' },
  tokenExpired: { code: 4419, action: 'reauthenticate', meaning: 'the token has expired' },
  limitExceeded: { code: 4429, action: 'retry-later', meaning: 'more than the limits allow' },
} as const satisfies Record<string, CloseCodeRow>;

const actionByCode: ReadonlyMap<number, CloseAction> = new Map(
  Object.values(closeCodes).map((row) => [row.code, row.action]),
);

/** The hub's answer to a close code. A code that is not in the table is retried, within the backoff. */
export const closeAction = (code: number): CloseAction => actionByCode.get(code) ?? 'retry';
