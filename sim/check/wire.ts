import { defaultLimits } from '../../server/limits.ts';
import type { PortObserver } from '../browser/hubs.ts';
import type { Kernel } from '../kernel/kernel.ts';
import type { NetworkObserver } from '../network/network.ts';
import type { UnderWay } from '../server/sim-server.ts';
import type { Plan } from '../workload/plan.ts';
import { Bounds } from './bounds.ts';
import { Dialling } from './dialling.ts';
import { Downloading } from './downloading.ts';
import { Sizes } from './sizes.ts';
import { Uploading } from './uploading.ts';

/** What the checks of all hops hear, and know. */
export interface WireChecks extends NetworkObserver, PortObserver {
  /** Whether a hub has offered a transfer on a connection that it still has. */
  wasOffered(transfer: string): boolean;
}

/** Whether the server has room for all contents on their way to it: with less, those of clients that are away make way. */
export const keepsTransfers = ({ server: { limits } }: Plan): boolean =>
  (['totalTransferBytes', 'transfers'] as const).every(
    (name) => (limits[name] ?? defaultLimits[name]) === defaultLimits[name],
  );

/** The checks of what goes between tabs, hubs and servers, as those hear it who carry it. */
export function wireChecks(kernel: Kernel, plan: Plan, underWay: () => UnderWay): WireChecks {
  const { server, hub } = plan;
  const limits = { ...defaultLimits, ...server.limits };
  const { window, bufferedBytes } = limits;
  const keepsMessages =
    limits.historyMessages === defaultLimits.historyMessages &&
    limits.historyBytes === defaultLimits.historyBytes;
  const dialling = new Dialling(() => kernel.now, hub.backoff as never, window);
  const bounds = new Bounds(window);
  const sizes = new Sizes(plan, limits);
  const uploading = new Uploading();
  const downloading = new Downloading({ bufferedBytes, keepsTransfers: keepsTransfers(plan), keepsMessages });
  const ofHubs = [dialling, bounds, uploading];
  const observer = guarded<NetworkObserver & PortObserver>(kernel, {
    dialled: (client) => ofHubs.forEach((check) => check.dialled(client)),
    ended: (client) => {
      dialling.ended(client);
      uploading.ended(client);
    },
    received: (client, data) => ofHubs.forEach((check) => check.received(client, data)),
    sent: (client, data) => ofHubs.forEach((check) => check.sent(client, data)),
    sends: (...sent) => {
      downloading.sends(...sent);
      sizes.taking(underWay());
    },
    hears: (...heard) => downloading.hears(...heard),
    closes: (...closed) => downloading.closes(...closed),
    told: (client, what) => {
      dialling.told(client, what);
      if (what === 'purge') bounds.purged(client);
    },
    delivering: (...batch) => bounds.delivering(...batch),
    ran: (...hub) => sizes.ran(...hub),
    pushing: (...batch) => bounds.pushing(...batch),
  });
  return { ...observer, wasOffered: (transfer) => uploading.wasOffered(transfer) };
}

/** Checks that end the simulation where they would otherwise throw into the code under test. */
function guarded<T extends object>(kernel: Kernel, inner: T): T {
  const wrapped = Object.entries(inner).map(([name, check]) => {
    return [name, (...args: unknown[]) => kernel.guarded(() => void check(...args))];
  });
  return Object.fromEntries(wrapped) as T;
}
