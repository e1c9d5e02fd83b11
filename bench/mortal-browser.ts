import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { chromium, firefox, type Browser, type BrowserContext, type Page } from 'playwright';
import { killProcess, processesWithWorkers, processOfPage } from '../e2e/harness/processes.ts';
import { chromiumArgs, findChromium, findFirefox, isPlaywrights } from '../scripts/browser.mjs';
import type { BenchBrowser } from './contract.ts';

/** A browser of its own, with an empty context, whose parts can be ended at once and without a word to anybody. */
export interface MortalBrowser {
  readonly context: BrowserContext;
  /** Ends the process of a page. */
  crash(page: Page): Promise<void>;
  /** In Firefox together with the tab in whose process they run. */
  killSharedWorkers(): Promise<void>;
  /** Stops the process of the page that runs a dedicated worker. Gives what lets it go on. */
  freezeLeader(): Promise<() => void>;
  /** Ends it, whatever was done to it. */
  end(): Promise<void>;
}

/** Opens an empty context that pages of the bench can use. */
export async function openContext(browser: Browser): Promise<BrowserContext> {
  const context = await browser.newContext();
  // tsx compiles with esbuild's keepNames, whose helper the functions that run in the page would miss.
  await context.addInitScript('globalThis.__name = (target) => target');
  return context;
}

/** Starts a browser. Throws where there is none of this name. */
export const startMortalBrowser = (name: BenchBrowser): Promise<MortalBrowser> =>
  name === 'firefox' ? startFirefox() : startChromium();

async function startChromium(): Promise<MortalBrowser> {
  const executablePath = findChromium();
  if (!executablePath) throw new Error('there is no Chromium');
  const server = await chromium.launchServer({ executablePath, args: chromiumArgs });
  const browser = await chromium.connect(server.wsEndpoint());
  const devtools = await browser.newBrowserCDPSession();
  return {
    context: await openContext(browser),
    async crash(page) {
      const ofPage = await page.context().newCDPSession(page);
      // The answer never comes: the process that would give it is gone.
      void ofPage.send('Page.crash').catch(() => {});
    },
    async killSharedWorkers() {
      const filter = [{ type: 'shared_worker' }];
      const { targetInfos } = await devtools.send('Target.getTargets', { filter });
      for (const { targetId } of targetInfos) await devtools.send('Target.closeTarget', { targetId });
    },
    async freezeLeader() {
      const { processInfo } = await devtools.send('SystemInfo.getProcessInfo');
      const pids = processInfo.flatMap(({ type, id }) => (type === 'renderer' ? [id] : []));
      return stop(pids.find((pid) => threadsOf(pid).has('DedicatedWorker')));
    },
    end: () => server.kill(),
  };
}

async function startFirefox(): Promise<MortalBrowser> {
  const executable = findFirefox();
  if (!executable) throw new Error('there is no Firefox');
  const browser = await firefox.launch({
    ...(!isPlaywrights(executable) && { channel: 'moz-firefox' }),
    executablePath: fileURLToPath(new URL('../e2e/harness/firefox.sh', import.meta.url)),
    env: { ...process.env, ONESOCKET_FIREFOX: executable } as Record<string, string>,
    // A process for each tab, so that one of them can be killed.
    firefoxUserPrefs: { 'dom.ipc.processCount.webIsolated': 16 },
  });
  return {
    context: await openContext(browser),
    crash: async (page) => killProcess(await processOfPage('firefox', page)),
    async killSharedWorkers() {
      for (const pid of processesWithWorkers('firefox')) await killProcess(pid);
    },
    freezeLeader: async () => stop(processesWithWorkers('firefox')[0]),
    end: () => browser.close(),
  };
}

function stop(pid: number | undefined): () => void {
  if (pid === undefined) throw new Error('no process has a worker');
  process.kill(pid, 'SIGSTOP');
  return () => process.kill(pid, 'SIGCONT');
}

/** Names of the threads of a process, which Linux cuts at 15 characters. */
function threadsOf(pid: number): Set<string> {
  const folder = `/proc/${pid}/task`;
  return new Set(readdirSync(folder).map((task) => readFileSync(`${folder}/${task}/comm`, 'utf8').trim()));
}
