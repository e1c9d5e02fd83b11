// Every bound, deadline and default of the tab.
// Single constants, imported as a namespace, so that a minifier can put the numbers in their places.

/** Requests without an answer. */
export const calls = 1024;
/** Batches to the hub that may be under way. */
export const batchesUnderWay = 2;
/** Batches of hubs that this tab has not found yet: those of the earliest are let go beyond that. */
export const earlyBatches = 8;
/** Operations in one batch. */
export const batchOps = 1000;
/** Deadline of a batch to the hub. */
export const pushTimeoutMs = 10_000;
/** Deadline of the first attempt to attach to a SharedWorker; doubled with each further one, up to the last. */
export const attachTimeoutMs = 300;
export const attachTimeoutMaxMs = 4_800;
/** How long the worker that follows a dead one may take before that of the next life is asked besides. */
export const respawnMs = 150;
/** Deadline for the first answer of an engine that this tab has started. */
export const engineTimeoutMs = 10_000;
/** How long the hub may take to answer over the channel before it is called again, or the SharedWorker is asked. */
export const channelTimeoutMs = 500;
/** Calls to a hub that has joined and does not answer, before another channel is opened for it. */
export const channelCalls = 10;
/** Pause after a hub of another version has answered; a hub that comes up ends it. */
export const otherVersionPauseMs = 5_000;
/** Attempts without an answer after which the hub is looked for over the channel, and the worker under another name. */
export const silencesInLife = 2;
/** Deadline of a further ask after a hub has answered `waiting`; it answers within 250 ms. */
export const waitingTimeoutMs = 2_000;
/** How long `close` waits for what was published to be stored. */
export const closeTimeoutMs = 2_000;
/** Messages that wait for an iterator: the subscription pauses at the high one and goes on at the low one. */
export const iteratorHighWater = 1024;
export const iteratorLowWater = 256;
export const requestTimeoutMs = 10_000;
export const nameLength = 128;
export const identityLength = 256;
export const coalesceKeyLength = 128;
/** Entries without a fate, where `queue.maxEntries` says nothing else. */
export const pendingEntries = 10_000;
