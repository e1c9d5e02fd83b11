import { hosts, type Host } from '../harness/capabilities.ts';
import { faultKinds, type FaultKind } from './schedule.ts';

/** The browsers that a run can break. */
export const browserNames = ['chromium', 'firefox'] as const;
type BrowserName = (typeof browserNames)[number];

/**
 * Where the hub runs: the option `host` of `connect`, or another one from tab to tab. A SharedWorker is what tabs begin
 * with that are given no option: where it does not answer, they go on to the next host, as those of an app do.
 */
export const chaosHosts = [...hosts, 'mixed'] as const;
export type ChaosHost = (typeof chaosHosts)[number];

/** What a run takes place in. */
export interface Setting {
  readonly browser: BrowserName;
  readonly host: ChaosHost;
}

/** One SharedWorker and nobody else: nobody waits for its lock, and nobody steals it. */
const freezing: readonly FaultKind[] = ['freeze-leader', 'freeze-tab'];

/**
 * What a run leaves out. Firefox has nothing that fills the disk, or ends a SharedWorker without the tab in whose process
 * it runs. Of a hub that a tab runs, `kill-hub` kills the tab's process, and `close-worker` closes the tab.
 */
const missing: Readonly<Record<BrowserName, Readonly<Record<ChaosHost, readonly FaultKind[]>>>> = {
  chromium: { 'shared-worker': freezing, 'dedicated-worker': [], page: [], mixed: [] },
  firefox: {
    'shared-worker': ['fill-disk', 'close-worker', ...freezing],
    'dedicated-worker': ['fill-disk'],
    page: ['fill-disk'],
    mixed: ['fill-disk'],
  },
};

/** What can be broken there. */
export const kindsOf = ({ browser, host }: Setting): ReadonlySet<FaultKind> =>
  new Set(faultKinds.filter((kind) => !missing[browser][host].includes(kind)));

/** The option `host` of the tab at a place; undefined for none. */
export const hostOf = (host: ChaosHost, place: number): Host | undefined => {
  const own = host === 'mixed' ? hosts[place % hosts.length]! : host;
  return own === 'shared-worker' ? undefined : own;
};
