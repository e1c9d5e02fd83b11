import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chromium, type Browser, type Page } from '@playwright/test';
import { chromiumArgs, findChromium } from '../../scripts/browser.mjs';
import type { ChaosBrowser } from './browser.ts';
import * as chaosLimits from './limits.ts';
import { tellBinding } from './page.ts';
import { countThreads, processOfPage } from './processes.ts';
import { within } from './within.ts';

// Pages must not be slowed because nobody looks at them, and each must get the process that it would get anyway.
const switches = [
  '--headless=new',
  '--remote-debugging-port=0',
  '--disable-dev-shm-usage',
  '--disable-crash-reporter',
  '--disable-background-timer-throttling',
  '--disable-backgrounding-occluded-windows',
  '--disable-renderer-backgrounding',
  '--disable-features=SpareRendererForSitePerProcess',
];

/** Starts Chromium on the profile in `folder`. */
export const startChromium = async (folder: string): Promise<ChaosBrowser> => {
  const executable = findChromium();
  if (executable === undefined) throw new Error('there is no Chromium');
  // A process group of its own, so that all of it can be killed at once.
  const child = spawn(
    executable,
    [...chromiumArgs, ...switches, `--user-data-dir=${folder}`, 'about:blank'],
    { detached: true, stdio: ['ignore', 'ignore', 'pipe'] },
  );
  const exited = once(child, 'exit');
  const killAtExit = (): void => killGroup(child);
  process.once('exit', killAtExit);
  const kill = async (): Promise<void> => {
    killGroup(child);
    await exited;
    // A crash handler outside of the group may hold the other end for longer, and thereby this process.
    child.stderr.destroy();
    process.off('exit', killAtExit);
  };
  try {
    const url = await within(chaosLimits.browserStartMsMax, 'the browser', devtoolsUrl(child));
    const browser = await within(chaosLimits.browserStartMsMax, 'its DevTools', chromium.connectOverCDP(url));
    return { ...(await handlesOf(browser)), kill };
  } catch (error) {
    await kill();
    throw error;
  }
};

const handlesOf = async (browser: Browser): Promise<Omit<ChaosBrowser, 'kill'>> => {
  const context = browser.contexts()[0]!;
  // A page that shows nothing and belongs to no tab.
  const blank = context.pages()[0] ?? (await context.newPage());
  const [devtools, operator] = [await browser.newBrowserCDPSession(), await context.newCDPSession(blank)];
  const all = async (): Promise<number[]> => {
    const { processInfo } = await devtools.send('SystemInfo.getProcessInfo');
    return processInfo.flatMap(({ type, id }) => (type === 'renderer' ? [id] : []));
  };
  const own = new Set(await all());
  const renderers = async (): Promise<number[]> => (await all()).filter((pid) => !own.has(pid));
  return {
    openPage: async (script, take) => {
      const page = await context.newPage();
      await bindTell(page, take);
      await page.addInitScript(script);
      return page;
    },
    crash,
    renderers,
    // DevTools tell no process of a page or of a worker.
    processOf: (page) => processOfPage(page, renderers, 'DedicatedWorker'),
    workerProcess: async () => (await renderers()).find((pid) => countThreads(pid, 'SharedWorker') > 0),
    closeWorkers: async () => {
      const { targetInfos } = await devtools.send('Target.getTargets');
      const workers = targetInfos.filter(({ type }) => type === 'shared_worker');
      for (const { targetId } of workers) await devtools.send('Target.closeTarget', { targetId });
      return workers.length;
    },
    fillDisk: async (origin, isFull) => {
      await operator.send('Storage.overrideQuotaForOrigin', { origin, ...(isFull && { quotaSize: 1 }) });
    },
  };
};

/** A binding of our own, because Playwright's wait for an answer, and a page that dies gets none. */
const bindTell = async (page: Page, take: (report: string) => void): Promise<void> => {
  const devtools = await page.context().newCDPSession(page);
  devtools.on('Runtime.bindingCalled', ({ name, payload }) => {
    if (name === tellBinding) take(payload);
  });
  await devtools.send('Runtime.enable');
  await devtools.send('Runtime.addBinding', { name: tellBinding });
};

const crash = async (page: Page): Promise<void> => {
  const devtools = await page.context().newCDPSession(page);
  const crashed = page.waitForEvent('crash', { timeout: chaosLimits.answerMsMax });
  // The answer never comes: the process that would give it is gone.
  void devtools.send('Page.crash').catch(() => {});
  await crashed;
};

const devtoolsUrl = (child: ChildProcess): Promise<string> =>
  new Promise((resolve, reject) => {
    let said = '';
    child.stderr!.on('data', (data) => {
      said = (said + String(data)).slice(-10_000);
      const url = /DevTools listening on (ws:\S+)/.exec(said)?.[1];
      if (url !== undefined) resolve(url);
    });
    child.once('error', reject);
    child.once('exit', (code, signal) =>
      reject(new Error(`the browser ended with ${signal ?? code}: ${said}`)),
    );
  });

const killGroup = (child: ChildProcess): void => {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  process.kill(-child.pid, 'SIGKILL');
};
