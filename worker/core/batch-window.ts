/**
 * Credit for numbered batches over one hop: at most `limit` under way. What comes meanwhile joins the next
 * batch, so that an idle hop sends at once and a busy one in large batches, and a receiver that stops
 * answering stops being sent to. The same window serves hub to tab and tab to hub.
 */
export interface BatchWindow {
  readonly limit: number;
  /** Number of the newest batch sent. */
  sent: number;
  /** Number up to which the receiver has taken all. */
  taken: number;
}

export const createBatchWindow = (limit: number): BatchWindow => ({ limit, sent: 0, taken: 0 });

/** Whether another batch may go out. */
export const hasCredit = (window: BatchWindow): boolean => window.sent - window.taken < window.limit;

/** Claims the number of the next batch. */
export const nextBatch = (window: BatchWindow): number => (window.sent += 1);

/** Takes a cumulative acknowledgement; one that is old or was never sent changes nothing. */
export function batchTaken(window: BatchWindow, number: number): void {
  if (number > window.taken && number <= window.sent) window.taken = number;
}
