import {
  hubApiVersion,
  type AttachRequest,
  type HostKind,
  type HubApi,
  type TabApi,
  type TabOp,
} from '../../worker/core/hub-api.ts';
import type { Clock } from '../../worker/clock.ts';
import type { HubState } from '../../worker/core/hub-state.ts';
import { HubHost } from '../../worker/hub-host.ts';
import { indexedDbOutbox } from '../../worker/store/indexed-db-outbox.ts';
import type { TabLink } from '../../worker/tab-link.ts';
import type { Random } from '../kernel/random.ts';
import type { Realm } from '../kernel/realm.ts';
import type { Network } from '../network/network.ts';
import { callsOver, type Calls } from './calls.ts';
import type { Disk } from './disk.ts';
import { mountDisk } from './fake-idb.ts';
import type { SimPort } from './port.ts';
import type { SimChannels } from './sim-channels.ts';
import type { SimLocks } from './sim-locks.ts';

/** Hears what pages and hubs tell each other. */
export interface PortObserver {
  /** A page tells its hub something, of a topic if it is of one. */
  told(hub: Realm, what: 'attach' | TabOp['kind'], topic?: string): void;
  /** A batch goes out, as one of so many that have no answer. */
  delivering(hub: Realm, count: number): void;
  /** A hub has taken an input. */
  ran(hub: Realm, state: HubState): void;
  pushing(page: Realm, count: number, ops: readonly TabOp[]): void;
}

/** What a hub is started with. */
export interface HubSetting {
  readonly host: HostKind;
  readonly hubName: string;
  /** Of the contract, as its build has it. */
  readonly version: number;
  readonly after: Clock['after'];
  readonly ended?: () => void;
}

/** A hub that runs. */
export interface RunningHub {
  accept(port: SimPort<never>): void;
  end(): void;
}

/** What all hubs of one browser have in common. */
export interface HubParts {
  readonly random: Random;
  readonly network: Network;
  readonly disk: Disk;
  readonly locks: SimLocks;
  readonly channels: SimChannels;
  readonly observer: PortObserver;
  readonly wallClock: () => number;
}

/** Runs the script of the worker in a realm: the composition root of `worker/hub.worker.ts`, with other adapters. */
export function startHub(
  { random: chance, network, disk, locks, channels, observer, wallClock }: HubParts,
  realm: Realm,
  { host, hubName, version, after, ended }: HubSetting,
): RunningHub {
  mountDisk(realm, disk);
  const random = chance.fork(realm.newId());
  const clock: Clock = {
    context: () => ({ now: wallClock(), ticks: realm.kernel.now, random: random.next() }),
    after,
  };
  const link = (calls: Calls<TabApi>, close: () => void) => linkOf(realm, version, observer, calls, close);
  const hub = new HubHost({
    host,
    hubName,
    isElected: host !== 'shared-worker',
    clock,
    randomId: realm.newId,
    store: indexedDbOutbox(hubName, clock),
    dial: network.dialOf(realm),
    locks: locks.of(realm),
    openChannel: channels.of(realm),
    linkOver: (endpoint, close) => link(callsOver<TabApi>(endpoint), close),
    ...(ended && { ended }),
    watch: (state) => observer.ran(realm, state),
  });
  return {
    accept: (port) => hub.accept(link(port as never, () => port.close())),
    end: () => hub.end(),
  };
}

function linkOf(
  realm: Realm,
  version: number,
  { told, delivering }: PortObserver,
  calls: Pick<Calls<TabApi>, 'remote' | 'serve'>,
  close: () => void,
): TabLink {
  let window = { batches: 0 };
  const { remote } = calls;
  const deliver: typeof remote.deliver = async (...batch) => {
    const own = window;
    delivering(realm, (own.batches += 1));
    try {
      return await remote.deliver(...batch);
    } finally {
      own.batches -= 1;
    }
  };
  const serve = (api: HubApi) =>
    calls.serve({
      ...api,
      async attach(request: AttachRequest) {
        told(realm, 'attach');
        // Over a channel a tab can attach once more with what it has asked before: its window begins anew.
        window = { batches: 0 };
        // The code knows one version: to a hub of another build, those of tabs are as far from its own.
        const reply = await api.attach({ ...request, version: request.version - version + hubApiVersion });
        return reply.kind === 'other-version' ? { ...reply, version } : reply;
      },
      push(hubId: string, tabId: string, ops: readonly TabOp[]) {
        for (const op of ops) told(realm, op.kind, 'topic' in op ? op.topic : undefined);
        return api.push(hubId, tabId, ops);
      },
    } satisfies HubApi);
  const { token, trouble } = remote;
  return { tab: { token: () => token(), deliver, trouble: (...error) => trouble(...error) }, serve, close };
}
