import type { Page } from '@playwright/test';
import * as chaosLimits from './limits.ts';
import type { FaultKind } from './schedule.ts';
import { within } from './within.ts';
import type { World } from './world.ts';

/** One kind of fault. */
export interface Fault {
  /** Makes it happen. Gives what a reader of the log should know, or null where there was nothing to break. */
  begin(world: World, pick: number): Promise<string | null> | string | null;
  /** Ends it, so that everything can go on. */
  end(world: World): Promise<void> | void;
}

const killProcess = (pid: number): void => {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    // It died by itself meanwhile, or with another one.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
};

const healNetwork = (world: World): void => {
  world.proxy.heal();
  world.path.heal();
};

const onNetwork = (begin: (world: World) => void): Fault => ({
  begin: (world) => {
    const { connections } = world.proxy;
    begin(world);
    return `${connections} connections`;
  },
  end: healNetwork,
});

const fillTabs = async (world: World): Promise<void> => world.tabs.fill(world.browser);

const onPage = (act: (world: World, page: Page) => Promise<unknown>): Fault => ({
  begin: async (world, pick) => {
    const page = world.tabs.pick(pick);
    if (page === undefined) return null;
    const { pathname } = new URL(page.url());
    await act(world, page);
    return pathname;
  },
  end: fillTabs,
});

const crashTab = onPage(async (_world, page) => {
  const devtools = await page.context().newCDPSession(page);
  const crashed = page.waitForEvent('crash', { timeout: chaosLimits.answerMsMax });
  // The answer never comes: the process that would give it is gone.
  void devtools.send('Page.crash').catch(() => {});
  await crashed;
});

const killRenderer: Fault = {
  begin: async (world, pick) => {
    const pids = await world.browser.renderers();
    const pid = pids[Math.floor(pick * pids.length)];
    if (pid === undefined) return null;
    const hosts = (await world.browser.workerProcess()) === pid;
    killProcess(pid);
    return `${pid}${hosts ? ', with the hub' : ''}`;
  },
  end: fillTabs,
};

const killHub: Fault = {
  begin: async (world) => {
    const pid = await world.browser.workerProcess();
    if (pid === undefined) return null;
    killProcess(pid);
    return String(pid);
  },
  end: fillTabs,
};

const closeWorker: Fault = {
  begin: async ({ browser }) => {
    const { targetInfos } = await browser.devtools.send('Target.getTargets');
    const workers = targetInfos.filter(({ type }) => type === 'shared_worker');
    for (const { targetId } of workers) await browser.devtools.send('Target.closeTarget', { targetId });
    return workers.length === 0 ? null : `${workers.length} of them`;
  },
  end: fillTabs,
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

/** How each kind is done. */
export const faults: Readonly<Record<FaultKind, Fault>> = {
  cut: onNetwork(({ proxy }) => proxy.cut()),
  stall: onNetwork(({ proxy }) => proxy.stall()),
  'deaf-server': onNetwork(({ path }) => path.deafen('up')),
  'deaf-hub': onNetwork(({ path }) => path.deafen('down')),
  halve: onNetwork(({ path }) => path.halve()),
  'kill-server': {
    begin: async ({ server }) => {
      const { pid } = server;
      await server.kill('SIGKILL');
      return String(pid);
    },
    end: ({ server }) => server.start(),
  },
  'freeze-server': {
    begin: ({ server }) => {
      server.stop();
      return String(server.pid);
    },
    end: ({ server }) => server.cont(),
  },
  'crash-tab': crashTab,
  'kill-renderer': killRenderer,
  'kill-hub': killHub,
  'close-worker': closeWorker,
  'reload-tab': onPage((_world, page) => within(chaosLimits.stepMsMax, 'reload', page.reload())),
  'close-tab': onPage((world, page) => world.tabs.close(page)),
  'kill-browser': killBrowser,
  'fill-disk': {
    begin: async (world) => {
      await world.fillDisk(true);
      return '';
    },
    end: (world) => world.fillDisk(false),
  },
};
