import type { HubMetrics } from '../worker/core/metrics-types.ts';
import type { PendingEntry } from '../worker/core/payload-types.ts';
import type { createCalls } from './calls.ts';
import { decodePayload } from './payload.ts';
import type { ConnectionError } from './protocol/errors.ts';
import type { Delivery, Outbox, OutboxEntry } from './types.ts';

/** What a tab may ask of its hub's outbox, and its connection. */
export function createOutbox(ask: ReturnType<typeof createCalls>['ask']) {
  /** Takes an unsent entry back; false if it is too late. */
  const withdraw = async (entryId: string) => (await ask({ kind: 'withdraw', entryId })) as boolean;

  async function entries(): Promise<OutboxEntry[]> {
    const pending = (await ask({ kind: 'list' })) as readonly PendingEntry[];
    return pending.map((entry) => {
      const { json: _, bytes: __, large, ...rest } = entry;
      return { ...rest, payload: large ? large.blob : decodePayload(entry) };
    });
  }

  function delivery(id: string): Delivery {
    const follow = async (until: 'stored' | 'acked') =>
      void (await ask({ kind: 'follow', entryId: id, until }));
    let wasStored = false;
    const stored = follow('stored').then(() => void (wasStored = true));
    const acked = follow('acked').catch((error: ConnectionError) => {
      // What was there, has not failed, and is there no more, the server has acknowledged.
      if (!wasStored || error.code !== 'unknown-entry') throw error;
    });
    for (const promise of [stored, acked]) promise.catch(() => {});
    return { id, stored, acked, cancel: () => withdraw(id) };
  }

  return {
    withdraw,
    outbox: { entries, delivery } satisfies Outbox,
    purge: async () => void (await ask({ kind: 'purge' })),
    hubMetrics: async () => (await ask({ kind: 'metrics' })) as HubMetrics,
    reconnect: async () => void (await ask({ kind: 'reconnect' })),
  };
}
