import type { TabItem, TabOp } from '../worker/core/hub-api.ts';
import { createCalls } from './calls.ts';
import { createDeliveries } from './deliveries.ts';
import type { HubAttachment } from './hub-attachment.ts';
import * as tabLimits from './limits.ts';
import type { Settings } from './options.ts';
import type { Outlet } from './outlet.ts';
import { ConnectionError, errorData } from './protocol/errors.ts';
import { createSubscriptions } from './subscriptions.ts';
import type { SocketEventMap } from './types.ts';

/** Everything that a tab waits for: deliveries, calls and subscriptions. */
export function createParts(
  { hub }: Settings,
  outlet: Outlet,
  onDropped: (drop: SocketEventMap['dropped']['detail']) => void,
) {
  const calls = createCalls(outlet);
  const subscriptions = createSubscriptions(outlet);
  const maxPending = hub.queue?.maxEntries ?? tabLimits.pendingEntries;
  const deliveries = createDeliveries(outlet, maxPending, ({ id, topic }, error) =>
    onDropped({ id, topic, error }),
  );

  return {
    calls,
    subscriptions,
    deliveries,

    /** Hands what the hub tells to the part that waits for it. */
    take(item: Exclude<TabItem, { kind: 'status' }>): void {
      switch (item.kind) {
        case 'stored':
          return deliveries.stored(item.upTo);
        case 'acked':
          return deliveries.acked(item.upTo);
        case 'failed':
          return deliveries.drop(item.tabSeq, new ConnectionError(item.error));
        case 'response':
        case 'error':
          return calls.take(item);
        default:
          return subscriptions.take(item);
      }
    },

    /** This tab is attached anew: settles what the hub knows of, and gives what it has still to be told. */
    resume(reply: HubAttachment['reply'], isOtherHub: boolean): TabOp[] {
      const lost = new ConnectionError(errorData('hub-lost', 'outcome unknown', { retryable: true }));
      if (isOtherHub) deliveries.hubLost(lost);
      for (const { tabSeq, error } of reply.failed) deliveries.drop(tabSeq, new ConnectionError(error));
      deliveries.stored(reply.storedUpTo);
      deliveries.acked(reply.ackedUpTo);
      calls.end(lost, false);
      return [...subscriptions.resume(), ...deliveries.resume(reply.takenUpTo), ...calls.resume()];
    },

    end(error: ConnectionError): void {
      for (const part of [subscriptions, deliveries, calls]) part.end(error);
    },
  };
}
