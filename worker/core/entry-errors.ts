import { errorData } from '../../src/protocol/errors.ts';

// Why the hub itself ends entries.

/** A volatile one that could not be sent at once, or whose session ended before its acknowledgement. */
export const notOpenError = errorData('not-open', 'not sent to the end while the connection was open', {
  retryable: true,
});
/** One with the same coalescing key came. */
export const supersededError = errorData('superseded', 'a newer one took its place');
/** Dropped as the oldest. */
export const madeRoomError = errorData('queue-full', 'made room for a newer one', { retryable: true });
/** Its `ttlMs`, or the outbox's `maxAgeMs`, has passed. */
export const expiredError = errorData('expired', 'too old to be sent');
/** The app took it back. */
export const cancelledError = errorData('cancelled', 'taken back');
/** The app emptied the outbox. */
export const purgedError = errorData('purged', 'the outbox was emptied');
/** Nothing is known of it. */
export const unknownError = errorData('unknown-entry', 'not in the outbox');
/** Emptied in memory, while the store could not be told to forget what it holds. */
export const notForgottenError = errorData('storage-failed', 'the store could not be emptied', {
  retryable: true,
});
