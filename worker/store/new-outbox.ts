import type { StoredOutbox } from '../core/store-types.ts';
import * as storeLimits from './limits.ts';

/** What an outbox that nobody has written to yet begins with. */
export const newOutbox = (clientId: string): StoredOutbox => ({
  clientId,
  clientEpoch: 1,
  lastSeq: storeLimits.epochSequences,
  acked: 0,
  entries: [],
  held: [],
  tabSeqs: [],
  failures: [],
  cursors: [],
  owner: null,
});
