import type { Browser, Page } from '@playwright/test';
import type { Capabilities, Host } from './capabilities.ts';
import { killProcess, processOfPage, processesWithWorkers, type Engine } from './processes.ts';
import { sharedWorkersOf } from './shared-workers.ts';
import type { Evaluates, Tab } from './tab.ts';

/** What a killed hub leaves. */
interface HubDeath<P extends Evaluates> {
  readonly killedAt: number;
  /** The tabs that live on. */
  readonly left: Tab<P>[];
}

/** Ends tabs and hubs at once, without a word to them or to anybody else. */
export interface Killer<P extends Evaluates> {
  /** Ends the process of a tab. Gives the moment. */
  tab(tab: Tab<P>): Promise<number>;
  /** Ends the hub of these tabs, and where that cannot be done alone, the tab in whose process it runs. */
  hub(tabs: readonly Tab<P>[]): Promise<HubDeath<P>>;
}

/** The tab that was elected to run the hub: its window holds the hub lock, and its tab's. */
export const leaderOf = async <P extends Evaluates>(tabs: readonly Tab<P>[]): Promise<Tab<P>> => {
  const leaderId = await tabs[0]!.page.evaluate(async () => {
    const { held = [] } = await navigator.locks.query();
    const { clientId } = held.find(({ name }) => name?.endsWith(':hub')) ?? {};
    const names = held.flatMap((lock) => (lock.clientId === clientId ? [lock.name!] : []));
    return names.map((name) => /:tab:([^:]*)/.exec(name)?.[1]).find((id) => id !== undefined);
  });
  for (const tab of tabs) if ((await tab.status()).tabId === leaderId) return tab;
  throw new Error('none of these tabs runs the hub');
};

/** The tab whose process runs the SharedWorker. */
const carrierOf = async <P extends Evaluates>(engine: Engine, tabs: readonly Tab<P>[]): Promise<Tab<P>> => {
  const carriers = processesWithWorkers(engine);
  for (const tab of tabs) if (carriers.includes(await processOfPage(engine, tab.page))) return tab;
  throw new Error('the SharedWorker runs in the process of none of these tabs');
};

const killPage = async (engine: Engine, page: Evaluates): Promise<number> => {
  const pid = await processOfPage(engine, page);
  const killedAt = Date.now();
  await killProcess(pid);
  return killedAt;
};

const crashPage = async (page: Page): Promise<number> => {
  const crashed = page.waitForEvent('crash');
  const devtools = await page.context().newCDPSession(page);
  const killedAt = Date.now();
  // The answer never comes: the process that would give it is gone.
  void devtools.send('Page.crash').catch(() => {});
  await crashed;
  return killedAt;
};

/** By signals: for browsers whose protocol crashes nothing. */
export const createSignalKiller = <P extends Evaluates>(engine: Engine, host: Host): Killer<P> => ({
  tab: ({ page }) => killPage(engine, page),
  async hub(tabs) {
    const victim = host === 'shared-worker' ? await carrierOf(engine, tabs) : await leaderOf(tabs);
    const killedAt = await killPage(engine, victim.page);
    return { killedAt, left: tabs.filter((tab) => tab !== victim) };
  },
});

interface KillerOptions {
  readonly browser: Browser;
  readonly browserName: string;
  readonly can: Capabilities;
  readonly host: Host;
}

/** By Chromium's DevTools, and in Firefox by signals. */
export const createKiller = ({ browser, browserName, can, host }: KillerOptions): Killer<Page> => {
  if (browserName !== 'chromium') return createSignalKiller('firefox', host);
  return {
    tab: ({ page }) => crashPage(page),
    async hub(tabs) {
      if (can.killHubAlone) {
        const workers = await sharedWorkersOf(browser);
        return { killedAt: await workers.kill(), left: [...tabs] };
      }
      const victim = await leaderOf(tabs);
      const killedAt = await crashPage(victim.page);
      return { killedAt, left: tabs.filter((tab) => tab !== victim) };
    },
  };
};
