// What the product promises (docs/decisions/0019), as an app sees it: these tests know nothing of our sources.

/**
 * From the stop of a leader to the theft of its lock: it is asked every second, somewhat earlier or later by chance, and at
 * most once more after the last answer before the four questions that have none.
 */
export const stolenAfterMinMs = 3_200;
export const stolenAfterMaxMs = 6_000;
/** How long a hub waits for a database that does not answer before it begins in memory. */
export const databaseMs = 10_000;
/** How long a worker without tabs keeps the connection, and how long it then waits for its outbox to be empty. */
export const lingerMs = 5_000;
export const lingerFlushMs = 30_000;
/** What a busy machine adds to any of these. */
export const slackMs = 4_000;
