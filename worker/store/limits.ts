// Bounds and deadlines of the durable outbox.
// Single constants, imported as a namespace, so that a minifier can put the numbers in their places.

/** Entries in one segment. */
export const segmentEntries = 1000;
/** Characters and bytes of payload in one segment, unless a single entry has more. */
export const segmentBytes = 1024 * 1024;
/** Records read by one request while the store is opened. */
export const pageRecords = 64;
/** Tabs whose last tab sequence is stored. */
export const tabs = 1024;
/** Failures that are stored for tabs that ask later. */
export const failures = 10_000;
/** Topics whose cursor is stored. */
export const cursors = 4096;
/** Damaged records that are kept for a person to look at. */
export const damaged = 64;
/** How long the database has to open. One that opens later is closed. */
export const openTimeoutMs = 3_000;
/** How long a transaction may take. */
export const transactionTimeoutMs = 10_000;
/** Bytes of large contents for each of which a transaction may take a millisecond more: that of a slow disk. */
export const transactionBytesPerMs = 2 * 1024;
/** How long a change that may be written late waits for another one to come along. */
export const lazyMs = 200;
/** When writing is tried again after it failed, and after it failed and space came free. */
export const retryMs = 10_000;
export const retrySoonMs = 1_000;
/** Openings that a full disk allows. */
export const spareEpochs = 16;
/** Sequences of one client epoch. */
export const epochSequences = 2 ** 32;
