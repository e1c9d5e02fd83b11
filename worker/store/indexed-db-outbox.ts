import type { Clock } from '../clock.ts';
import type { OutboxStore } from '../outbox-store.ts';
import { IndexedDbLog } from './indexed-db-log.ts';
import { ResilientStore } from './resilient-store.ts';

/**
 * The outbox in the IndexedDB database of this name, which goes on in memory where that fails.
 *
 * @example
 * const store = indexedDbOutbox(hubName, platformClock);
 * const stored = await store.open({ durability: 'strict', onHealth, onFenced });
 */
export const indexedDbOutbox = (hubName: string, clock: Clock): OutboxStore =>
  new ResilientStore((clientId, durability) => new IndexedDbLog(hubName, clientId, durability, clock), clock);
