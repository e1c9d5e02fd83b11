import * as closeCodes from './close-codes.ts';

/**
 * What the hub does when a connection closes with a code.
 * - `retry`: connect again after the backoff
 * - `retry-later`: as `retry`, after the longest delay of the policy, which no wake-up shortens
 * - `reauthenticate`: as `retry`, since every attempt begins with a new token
 * - `drop-entry`: fail the largest entry under way as too large, then as `retry`
 * - `stop`: stay disconnected until the app calls `reconnect()`
 */
export type CloseAction = 'retry' | 'retry-later' | 'reauthenticate' | 'drop-entry' | 'stop';

/** The codes of each action but `retry`, which is that of all others: within the backoff, it is safe. */
export const closeActions: { readonly [A in Exclude<CloseAction, 'retry'>]: readonly number[] } = {
  stop: [
    closeCodes.unsupportedData,
    closeCodes.invalidPayload,
    closeCodes.policyViolation,
    closeCodes.missingExtension,
    closeCodes.malformedFrame,
    closeCodes.unauthenticated,
    closeCodes.forbidden,
    closeCodes.unsupportedVersion,
    closeCodes.staleClientEpoch,
  ],
  'retry-later': [closeCodes.tryAgainLater, closeCodes.limitExceeded],
  reauthenticate: [closeCodes.tokenExpired],
  'drop-entry': [closeCodes.tooBig],
};

/** The hub's answer to a close code. */
export function closeAction(code: number): CloseAction {
  for (const [action, codes] of Object.entries(closeActions)) {
    if (codes.includes(code)) return action as CloseAction;
  }
  return 'retry';
}
