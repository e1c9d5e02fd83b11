import { describe, it } from 'vitest';
import { platformClock } from '../clock.ts';
import { storeConformance } from '../testing/store-conformance.ts';
import { indexedDbOutbox } from './indexed-db-outbox.ts';

describe('the store in IndexedDB', () => {
  it.each(storeConformance)('$name', async ({ run }) => {
    const database = crypto.randomUUID();
    await run(() => indexedDbOutbox(database, platformClock));
  });
});
