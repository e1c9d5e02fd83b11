import type { ServerLimits } from '../../server/limits.ts';
import type { UnderWay } from '../server/sim-server.ts';
import type { Plan } from '../workload/plan.ts';
import type { HubState } from '../../worker/core/hub-state.ts';
import * as coreLimits from '../../worker/core/limits.ts';
import type { Realm } from '../kernel/realm.ts';
import { must } from './violation.ts';

type TransferLimits = Pick<ServerLimits, 'totalTransferBytes' | 'transfers'>;

/** What waits inside hubs and server has a bound everywhere. */
export class Sizes {
  readonly #maxEntries: number;
  readonly #maxBytes: number;
  readonly #server: TransferLimits;

  constructor({ hub: { queue }, workload }: Plan, server: TransferLimits) {
    this.#server = server;
    this.#maxEntries = queue?.maxEntries ?? Infinity;
    const { maxBytes = Infinity, maxLargeBytes = Infinity } = queue ?? {};
    this.#maxBytes = workload.weights.large > 0 ? maxBytes + maxLargeBytes : maxBytes;
  }

  taking({ bytes, most }: UnderWay): void {
    const { totalTransferBytes, transfers } = this.#server;
    must(bytes <= totalTransferBytes && most <= transfers, 'transfers are bounded', () => {
      return `the server has ${bytes} of ${totalTransferBytes} bytes, and ${most} of ${transfers} of one client`;
    });
  }

  ran(hub: Realm, { outbox, topics, requests, followers, presences, tabs }: HubState): void {
    const { entries, bytes } = outbox.pending;
    const within = (what: string, size: number, bound: number) =>
      must(size <= bound, 'what a hub keeps is bounded', () => `${hub.name} has ${size} of ${bound} ${what}`);
    within('entries', entries, this.#maxEntries);
    within('bytes of entries', bytes, this.#maxBytes);
    within('requests', requests.size, coreLimits.requests);
    within('presence lists', presences.size, coreLimits.watches);
    within('followers', followers.length, coreLimits.followers);
    within('topics', topics.size, coreLimits.topics);
    for (const tab of tabs.values()) {
      within('subscriptions of a tab', tab.subscriptions.size, coreLimits.subscriptionsPerTab);
    }
    for (const { tail } of topics.values()) {
      // One record is kept whatever its size.
      if (tail.records > 1) within('messages in a tail', tail.end - tail.begin, coreLimits.tailMessages);
    }
  }
}
