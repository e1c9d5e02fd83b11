import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { chromium, type Browser, type BrowserContext, type CDPSession, type Page } from '@playwright/test';
import { chromiumArgs, findChromium } from '../../scripts/browser.mjs';
import * as chaosLimits from './limits.ts';
import { within } from './within.ts';

/** One run of a real browser on a profile that outlives it. */
export interface ChaosBrowser {
  readonly context: BrowserContext;
  /** DevTools of the browser itself. */
  readonly devtools: CDPSession;
  /** DevTools of a page that shows nothing and belongs to no tab. */
  readonly operator: CDPSession;
  /** Processes of pages of the site, the SharedWorker's among them. */
  renderers(): Promise<number[]>;
  /** The process in which a SharedWorker runs, if there is one and the system tells. */
  workerProcess(): Promise<number | undefined>;
  /** SIGKILL for every process of the browser at once. */
  kill(): Promise<void>;
}

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
export const startBrowser = async (folder: string): Promise<ChaosBrowser> => {
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
  const blank: Page = context.pages()[0] ?? (await context.newPage());
  const [devtools, operator] = [await browser.newBrowserCDPSession(), await context.newCDPSession(blank)];
  const all = async (): Promise<number[]> => {
    const { processInfo } = await devtools.send('SystemInfo.getProcessInfo');
    return processInfo.flatMap(({ type, id }) => (type === 'renderer' ? [id] : []));
  };
  const own = new Set(await all());
  const renderers = async (): Promise<number[]> => (await all()).filter((pid) => !own.has(pid));
  return {
    context,
    devtools,
    operator,
    renderers,
    workerProcess: async () => (await renderers()).find(runsSharedWorker),
  };
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

/** DevTools tell no process of a worker, but Linux tells the names of threads, cut at 15 characters. */
const runsSharedWorker = (pid: number): boolean => {
  const folder = `/proc/${pid}/task`;
  if (!existsSync(folder)) return false;
  return readdirSync(folder).some((task) =>
    nameOfThread(`${folder}/${task}/comm`).startsWith('SharedWorker'),
  );
};

const nameOfThread = (file: string): string => {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    // The thread has ended.
    return '';
  }
};
