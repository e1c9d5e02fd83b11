import type { Durability, TabItem, TabOp } from '../worker/core/hub-api.ts';
import { createCalls } from './calls.ts';
import { createDeliveries } from './deliveries.ts';
import type { Attached } from './hub-link.ts';
import * as tabLimits from './limits.ts';
import type { Settings } from './options.ts';
import { createOutbox } from './outbox.ts';
import type { Outlet } from './outlet.ts';
import { ConnectionError, errorData } from './protocol/errors.ts';
import { createSight } from './sight.ts';
import { createSubscriptions } from './subscriptions.ts';
import { readTrace } from './trace.ts';
import type { SocketMetrics } from './metrics-types.ts';
import type { SocketEventMap } from './types.ts';

/** Everything that a tab waits for: deliveries, calls and subscriptions. */
export function createParts(
  { hub, trace, marks = false }: Settings,
  way: Pick<Outlet, 'world' | 'push' | 'ended'>,
  onDropped: (drop: SocketEventMap['dropped']['detail']) => void,
) {
  const sight = createSight(marks);
  const outlet: Outlet = { ...way, sight, trace: readTrace(trace) };
  const calls = createCalls(outlet);
  const subscriptions = createSubscriptions(outlet);
  const outbox = createOutbox(calls.ask);
  const maxPending = hub.queue?.maxEntries ?? tabLimits.pendingEntries;
  const deliveries = createDeliveries(outlet, maxPending, outbox.withdraw, ({ id, topic }, error) => {
    sight.dropped(error.code);
    onDropped({ id, topic, error });
  });
  const lost = () => new ConnectionError(errorData('hub-lost', 'outcome unknown', { retryable: true }));

  /** What hub and tab have counted. */
  async function metrics(): Promise<SocketMetrics> {
    const hubMetrics = await outbox.hubMetrics();
    return { hub: hubMetrics, tab: sight.metrics(deliveries.pending()) };
  }

  return {
    sight,
    calls,
    outbox,
    subscriptions,
    deliveries,

    /** Those that the app calls. */
    methods: () => methodsOf(calls, subscriptions, deliveries, outbox, metrics),

    /** Hands what the hub tells to the part that waits for it. */
    take(item: Exclude<TabItem, { kind: 'status' }>): void | Promise<void> {
      switch (item.kind) {
        case 'stored':
          return deliveries.stored(item.upTo);
        case 'acked':
          return deliveries.acked(item.upTo, item.but);
        case 'uploaded':
          return deliveries.uploaded(item.tabSeq, item.ratio);
        case 'failed':
          return deliveries.drop(item.tabSeq, new ConnectionError(item.error));
        case 'response':
        case 'error':
        case 'entries':
          return calls.take(item);
        default:
          return subscriptions.take(item);
      }
    },

    /** An op went out to the hub. */
    pushed(op: TabOp): void {
      if (op.kind === 'publish') deliveries.pushed(op);
      else if ('id' in op) calls.pushed(op);
    },

    /** No hub knows this tab any more: whatever it was asked to do has an unknown outcome. */
    detached: () => calls.hubLost(lost()),

    /**
     * This tab is attached anew: settles what the hub knows of, and gives what it has still to be told. `former` is
     * how an earlier hub kept its outbox, if this is another one.
     */
    resume(reply: Attached, former: Durability | null): TabOp[] {
      for (const { tabSeq, error } of reply.failed) deliveries.drop(tabSeq, new ConnectionError(error));
      // A store that this hub could not open may hold what the former hub had taken.
      const isUnknown = former === 'memory' || reply.status.durability === 'memory';
      if (former) deliveries.hubLost(reply.takenUpTo, isUnknown, lost());
      deliveries.stored(reply.storedUpTo);
      deliveries.acked(reply.ackedUpTo, reply.but);
      return [...subscriptions.resume(), ...deliveries.resume(reply.takenUpTo), ...calls.resume()];
    },

    end(error: ConnectionError): void {
      for (const part of [subscriptions, deliveries, calls]) part.end(error);
    },
  };
}

/** The methods of a socket that its parts have. */
function methodsOf(
  { request }: ReturnType<typeof createCalls>,
  { subscribe }: ReturnType<typeof createSubscriptions>,
  { publish }: ReturnType<typeof createDeliveries>,
  { outbox, purge, reconnect }: ReturnType<typeof createOutbox>,
  metrics: () => Promise<SocketMetrics>,
) {
  return { subscribe, publish, request, metrics, outbox, purge, reconnect };
}
