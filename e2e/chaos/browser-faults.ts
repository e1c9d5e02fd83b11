import type { Page } from '@playwright/test';
import type { Fault } from './fault.ts';
import { freezeLeader, freezeTab, thaw } from './freezing.ts';
import { findHub, findLeader, nameOf } from './leader.ts';
import * as chaosLimits from './limits.ts';
import { signalProcess } from './processes.ts';
import type { BrowserFaultKind } from './schedule.ts';
import { within } from './within.ts';
import type { World } from './world.ts';

const fillTabs = async (world: World): Promise<void> => world.tabs.fill(world.browser);

const onPage = (act: (world: World, page: Page) => Promise<unknown>): Fault => ({
  begin: async (world, pick) => {
    const page = world.tabs.pick(pick);
    if (page === undefined) return null;
    const name = nameOf(page);
    await act(world, page);
    return name;
  },
  end: fillTabs,
});

const killRenderer: Fault = {
  begin: async (world, pick) => {
    const pids = await world.browser.renderers();
    const pid = pids[Math.floor(pick * pids.length)];
    if (pid === undefined) return null;
    const hosts = (await world.browser.workerProcess()) === pid;
    signalProcess(pid, 'SIGKILL');
    return `${pid}${hosts ? ', with the hub' : ''}`;
  },
  end: fillTabs,
};

const killHub: Fault = {
  begin: async (world) => {
    const hub = await findHub(world);
    if (hub === null) return null;
    signalProcess(hub.pid, 'SIGKILL');
    return `${hub.pid}, ${hub.name}`;
  },
  end: fillTabs,
};

/** Of a hub that a tab runs, it closes the tab. */
const closeWorker: Fault = {
  begin: async ({ browser, tabs }) => {
    const leader = await findLeader(tabs.pages);
    if (leader?.page) {
      const name = nameOf(leader.page);
      await tabs.close(leader.page);
      return name;
    }
    const count = (await browser.closeWorkers?.()) ?? 0;
    return count === 0 ? null : `${count} of them`;
  },
  end: fillTabs,
};

const thawAndFill = async (world: World): Promise<string> => {
  const text = thaw(world);
  await fillTabs(world);
  return text;
};

const killBrowser: Fault = {
  begin: async (world) => {
    await world.browser.kill();
    world.tabs.forgetAll();
    return '';
  },
  end: async (world) => {
    await world.startBrowser();
    await fillTabs(world);
  },
};

/** How each kind of the browser's lane is done. */
export const browserFaults: Readonly<Record<BrowserFaultKind, Fault>> = {
  'crash-tab': onPage(({ browser }, page) => browser.crash(page)),
  'kill-renderer': killRenderer,
  'kill-hub': killHub,
  'close-worker': closeWorker,
  'reload-tab': onPage((_world, page) => within(chaosLimits.stepMsMax, 'reload', page.reload())),
  'close-tab': onPage((world, page) => world.tabs.close(page)),
  'kill-browser': killBrowser,
  'freeze-leader': { begin: freezeLeader, end: thawAndFill },
  'freeze-tab': { begin: freezeTab, end: thawAndFill },
};
