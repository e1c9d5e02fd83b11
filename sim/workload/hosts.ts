import { hostOrder, type HostOption } from '../../src/tab-world.ts';
import { hubApiVersion } from '../../worker/core/hub-api.ts';
import type { HostFate } from '../browser/engines.ts';
import type { PageBuild } from '../browser/page.ts';
import type { Random } from '../kernel/random.ts';

/** Where the hubs of a plan run: every page has the same, or each has its own. */
type HostsPlan = HostOption | 'mixed';

/** In what the builds of the app differ that are open at the same time. */
type BuildsPlan = 'one' | 'urls' | 'versions' | 'urls-and-versions';

/** What a plan says of hosts and builds. */
export interface HostPlan {
  readonly hosts: HostsPlan;
  readonly builds: BuildsPlan;
  /** Whether a page hears that it is about to be frozen. */
  readonly tellsFreeze: boolean;
  /** What the browser does with SharedWorkers: see {@link WorkerHabits}. */
  readonly lingers: boolean;
  readonly runsAgain: boolean;
  readonly losesNames: boolean;
}

const failing: readonly HostFate[] = ['throws', 'throws', 'fails', 'fails', 'silent'];

/** Most plans have what most browsers have. */
export function hostPlanOf(random: Random): HostPlan {
  const hosts = random.pick<HostsPlan>([
    ...Array<HostsPlan>(10).fill('shared-worker'),
    ...(['dedicated-worker', 'dedicated-worker', 'dedicated-worker', 'page', 'page'] as const),
    ...(['mixed', 'mixed', 'mixed', 'mixed'] as const),
  ]);
  const death = random.pick([
    ...Array(8).fill('plain'),
    'runs again',
    'runs again',
    'loses names',
    'loses names',
  ]);
  return {
    hosts,
    builds: random.chance(0.3) ? random.pick(['urls', 'versions', 'urls-and-versions'] as const) : 'one',
    tellsFreeze: random.chance(0.4),
    lingers: random.chance(0.2),
    runsAgain: death === 'runs again',
    losesNames: death === 'loses names',
  };
}

/** What one page loads, and what its browser lets it do. */
export function buildOf({ hosts, builds }: HostPlan, random: Random): PageBuild {
  const isNewer = builds !== 'one' && random.chance(0.5);
  const hasOwnUrl = isNewer && builds !== 'versions';
  const hasOwnVersion = isNewer && builds !== 'urls';
  const first = hosts === 'mixed' ? random.pick(hostOrder) : hosts;
  const fate = (host: HostOption): HostFate =>
    hostOrder.indexOf(host) < hostOrder.indexOf(first) ? random.pick(failing) : 'works';
  return {
    worker: `https://sim.test/worker-${hasOwnUrl ? 2 : 1}.js`,
    version: hubApiVersion + (hasOwnVersion ? 1 : 0),
    hosts: {
      'shared-worker': fate('shared-worker'),
      'dedicated-worker': fate('dedicated-worker'),
      page: 'works',
    },
  };
}
