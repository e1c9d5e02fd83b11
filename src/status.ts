import type { SocketStatus } from './types.ts';

/** The status of a tab that has not heard of a hub yet. */
export const initialStatus = (tabId: string): SocketStatus => ({
  state: 'connecting',
  host: null,
  hubId: null,
  tabId,
  attempt: 0,
  nextRetryAt: null,
  rttMs: null,
  lastError: null,
  queue: { entries: 0, bytes: 0 },
  tabs: [],
  topics: 0,
  durability: null,
  storeError: null,
  dropped: 0,
  signalsDropped: 0,
  isOutdated: false,
});
