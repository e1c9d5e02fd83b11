import type { Clock } from '../clock.ts';
import type { OutboxStore } from '../outbox-store.ts';
import { ResilientStore } from './resilient-store.ts';

/** An outbox in memory, of a hub that cannot know whether it is the only one of its name. Its health says why. */
export const memoryOutbox = (clock: Pick<Clock, 'after'>): OutboxStore =>
  new ResilientStore(() => ({ open: refuse, write: refuse, close() {} }), clock);

// A SecurityError is one that no second attempt can mend.
const refuse = (): Promise<never> =>
  Promise.reject(new DOMException('tabs without Web Locks cannot share a database', 'SecurityError'));
