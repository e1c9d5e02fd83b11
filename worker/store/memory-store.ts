import type { ErrorData } from '../../src/protocol/errors.ts';
import type { StoredOutbox } from '../core/store-types.ts';
import type { OutboxStore } from '../outbox-store.ts';
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

/**
 * An outbox that lives as long as its hub; `error` says why, where it should be otherwise. The hub's own memory holds
 * the entries; nothing is kept twice.
 */
export const memoryStore = (error: ErrorData | null = null): OutboxStore => ({
  open: async ({ onHealth }) => {
    onHealth({ durability: 'memory', error });
    return newOutbox(crypto.randomUUID());
  },
  commit: async () => {},
  close: async () => {},
});
