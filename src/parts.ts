import type { Durability, TabItem, TabOp } from '../worker/core/hub-api.ts';
import { createCalls } from './calls.ts';
import { createDeliveries } from './deliveries.ts';
import type { Attached } from './hub-link.ts';
import * as tabLimits from './limits.ts';
import type { Settings } from './options.ts';
import { createOutbox } from './outbox.ts';
import type { Outlet } from './outlet.ts';
import { ConnectionError, errorData } from './protocol/errors.ts';
import { createPresences } from './presence.ts';
import { createSight } from './sight.ts';
import { createSubscriptions } from './subscriptions.ts';
import { readTrace } from './trace.ts';
import type { SocketMetrics } from './metrics-types.ts';
import type { SocketEventMap } from './types.ts';

/** What the hub tells a part. */
export type PartItem = Exclude<TabItem, { kind: 'status' | 'signal-dropped' }>;

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
  const presences = createPresences(outlet);
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
    presences,
    deliveries,

    /** Those that the app calls. */
    methods: () => methodsOf({ calls, subscriptions, presences, deliveries, outbox }, metrics),

    take: takerOf({ calls, subscriptions, presences, deliveries }),

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
      return [
        ...subscriptions.resume(),
        ...presences.resume(),
        ...deliveries.resume(reply.takenUpTo),
        ...calls.resume(),
      ];
    },

    end(error: ConnectionError): void {
      for (const part of [subscriptions, presences, deliveries, calls]) part.end(error);
    },
  };
}

interface Parts {
  readonly calls: ReturnType<typeof createCalls>;
  readonly subscriptions: ReturnType<typeof createSubscriptions>;
  readonly presences: ReturnType<typeof createPresences>;
  readonly deliveries: ReturnType<typeof createDeliveries>;
  readonly outbox: ReturnType<typeof createOutbox>;
}

/** Hands what the hub tells to the part that waits for it. */
const takerOf =
  ({ calls, subscriptions, presences, deliveries }: Omit<Parts, 'outbox'>) =>
  (item: PartItem): void | Promise<void> => {
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
      case 'presence':
      case 'presence-change':
      case 'presence-ended':
        return presences.tell(item);
      default:
        return subscriptions.take(item);
    }
  };

/** The methods of a socket that its parts have. */
function methodsOf(
  { calls, subscriptions, presences, deliveries, outbox: { outbox, purge, reconnect } }: Parts,
  metrics: () => Promise<SocketMetrics>,
) {
  const { subscribe } = subscriptions;
  const { presence } = presences;
  const { publish } = deliveries;
  const { request } = calls;
  return { subscribe, presence, publish, request, metrics, outbox, purge, reconnect };
}
