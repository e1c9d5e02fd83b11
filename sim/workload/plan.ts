import type { ServerPlan } from '../server/sim-server.ts';
import type { HubOptions } from '../../worker/core/hub-api.ts';
import type { Random } from '../kernel/random.ts';
import * as simLimits from '../limits.ts';
import type { LinkQuality } from '../network/pipe.ts';
import type { Marks } from '../network/connection.ts';
import { hostPlanOf, type HostPlan } from './hosts.ts';

/** Everything that can go wrong; a plan has the mean time between two of each, or nothing of it. */
export const faultKinds = [
  'page-closes',
  'page-crashes',
  'page-reloads',
  'page-freezes',
  'page-cached',
  'page-hides',
  'renderer-killed',
  'worker-killed',
  'worker-dies-midway',
  'power-loss',
  'sleep',
  'connection-cut',
  'connection-half-open',
  'network-lost',
  'network-stalls',
  'server-crashes',
  'server-restarts',
  'server-frozen',
  'disk-errors',
  'disk-lost',
  'lock-stolen',
  'leader-freezes',
  'leader-closes',
] as const;

export type FaultKind = (typeof faultKinds)[number];

/** What a page does how often, as weights. */
interface Workload {
  readonly meanMs: number;
  readonly topics: number;
  readonly burst: number;
  readonly weights: Readonly<Record<Action, number>>;
}

export type Action =
  | 'publish'
  | 'volatile'
  | 'coalesce'
  | 'ttl'
  | 'refused'
  | 'cancel'
  | 'subscribe'
  | 'unsubscribe'
  | 'large'
  | 'request'
  | 'list'
  | 'reconnect'
  | 'purge';

/** What one seed stands for. */
export interface Plan extends HostPlan {
  readonly pages: number;
  readonly renderers: number;
  /** How long things go wrong. */
  readonly chaosMs: number;
  readonly faults: Readonly<Partial<Record<FaultKind, number>>>;
  /** How likely it is that a connection is cut behind a frame of bytes, which is mostly a chunk. */
  readonly chunkCutChance: number;
  readonly workload: Workload;
  readonly hub: HubOptions & { readonly durability: 'strict' | 'relaxed' };
  readonly quality: LinkQuality;
  readonly marks: Marks;
  readonly server: ServerPlan;
}

/** Whether tabs of several versions are open at once. */
export const hasVersions = ({ builds }: Plan): boolean =>
  builds === 'versions' || builds === 'urls-and-versions';

/** The plan of a seed. Each seed has some kinds of faults and lacks others, which finds more than all of them at once. */
export function planOf(random: Random, tabs?: number): Plan {
  const faultRandom = random.fork('faults');
  const isCalm = faultRandom.chance(0.05);
  const share = faultRandom.between(0.1, 0.7);
  const faults: Partial<Record<FaultKind, number>> = {};
  for (const kind of faultKinds) {
    // Where the store fails, little is promised: most seeds have a sound one.
    const chance = kind === 'disk-errors' || kind === 'power-loss' ? share / 3 : share;
    if (faultRandom.chance(chance) && !isCalm) faults[kind] = faultRandom.between(4_000, 40_000);
  }
  const hostPlan = hostPlanOf(random.fork('hosts'));
  const leaderRandom = faultRandom.fork('leader');
  if (hostPlan.hosts !== 'shared-worker' && leaderRandom.chance(0.5)) {
    faults['leader-freezes'] = leaderRandom.pick([3_000, 8_000, 20_000]);
  }
  const drawn = random.int(1, 8);
  const pages = tabs ?? drawn;
  const workload = workloadOf(random.fork('workload'), pages);
  return {
    pages,
    renderers: random.int(1, 3),
    ...hostPlan,
    chaosMs: random.between(10_000, 50_000),
    faults,
    chunkCutChance: isCalm ? 0 : faultRandom.fork('chunks').pick([0, 0, 0.02, 0.1, 0.3]),
    workload,
    hub: hubOf(random.fork('hub')),
    quality: {
      delayMs: random.pick([0.2, 5, 40, 200]),
      jitterMs: random.pick([0.1, 10, 100]),
      // A content takes its time on a slow link, so that most of what goes wrong does while it is on its way.
      bytesPerMs: random.pick(workload.weights.large > 0 ? [50, 50, 200, 1000] : [50, 1000, 1000]),
    },
    marks: random.pick([
      { highBytes: 1_000, lowBytes: 200 },
      { highBytes: 100_000, lowBytes: 20_000 },
    ]),
    server: serverOf(random.fork('server')),
  };
}

function workloadOf(random: Random, pages: number): Workload {
  const often = (most: number) => (random.chance(0.6) ? random.next() * most : 0);
  return {
    meanMs: random.pick([200, 600, 2_500]) * pages,
    topics: random.int(1, 4),
    burst: random.pick([1, 1, 1, 3, 12]),
    weights: {
      publish: 6,
      volatile: often(1),
      coalesce: often(3),
      ttl: often(2),
      refused: often(1),
      cancel: often(2),
      subscribe: 1,
      unsubscribe: often(1),
      request: often(2),
      large: largeWeight(random.fork('large')),
      list: often(0.3),
      reconnect: random.chance(0.2) ? 0.1 : 0,
      purge: random.chance(0.1) ? 0.05 : 0,
    },
  };
}

/** Contents cost bandwidth and time: many plans have none, and no plan has many. */
const largeWeight = (random: Random) => (random.chance(0.4) ? random.between(0.2, 1.2) : 0);

function hubOf(random: Random): Plan['hub'] {
  const baseMs = random.pick([200, 1_000]);
  return {
    url: 'wss://sim.test/realtime',
    durability: random.pick(['strict', 'relaxed'] as const),
    connectTimeoutMs: random.pick([3_000, 10_000]),
    handshakeTimeoutMs: 3_000,
    heartbeat: { intervalMs: random.pick([3_000, 15_000]), timeoutMs: random.pick([2_000, 5_000]) },
    backoff: {
      baseMs,
      maxMs: random.pick([2_000, 8_000]),
      maxAttempts: random.pick([4, 30]),
      stableMs: random.pick([1_000, 5_000]),
    },
    queue: {
      maxEntries: random.pick([8, 60, 10_000]),
      maxBytes: random.fork('bytes').pick([500, 16 * 1024 * 1024, 16 * 1024 * 1024]),
      maxLargeBytes: random.fork('large').pick([310_000, 1_000_000, 256 * 1024 * 1024]),
      maxAgeMs: random.pick([20_000, 86_400_000, 86_400_000]),
      whenFull: random.pick(['reject', 'block', 'drop-oldest'] as const),
    },
  };
}

function serverOf(random: Random): ServerPlan {
  const isSmall = random.chance(0.3);
  return {
    isDurable: random.chance(0.7),
    backboneMs: random.pick([0, 0, 3, 30, 1_200]),
    backboneFailRate: random.chance(0.2) ? 0.002 : 0,
    heartbeatMs: random.pick([5_000, 30_000]),
    hookMs: random.pick([0, 0, 20]),
    needsToken: random.chance(0.4),
    limits: {
      historyMessages: random.pick([5, 1_000, 1_000]),
      window: random.pick([8, 64, 1024]),
      ...(isSmall && { bufferedBytes: 2_000, batchBytes: 1_000 }),
      closeTimeoutMs: simLimits.closeTimeoutMs,
      ...transferLimitsOf(random.fork('large')),
    },
  };
}

/** Some servers have little room for contents on their way, and some histories lose them while they are sent. */
function transferLimitsOf(random: Random): Partial<ServerPlan['limits']> {
  if (random.chance(0.5)) return {};
  return {
    transferBytes: random.pick([150_000, 1_000_000]),
    transfers: random.pick([1, 2, 4]),
    totalTransferBytes: random.pick([700_000, 256 * 1024 * 1024]),
    historyBytes: random.pick([600_000, 128 * 1024 * 1024]),
  };
}
