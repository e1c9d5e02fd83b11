import { fileURLToPath } from 'node:url';
import { firefox } from '@playwright/test';
import { findFirefox, isPlaywrights } from '../../scripts/browser.mjs';
import type { ChaosBrowser } from './browser.ts';
import * as chaosLimits from './limits.ts';
import { tellBinding } from './page.ts';
import { countThreads, descendants, processes, processOfPage, signalProcess } from './processes.ts';
import { within } from './within.ts';

const preferences = {
  // A process for each tab, and none in reserve, so that one of them can be killed.
  'dom.ipc.processCount.webIsolated': 16,
  'dom.ipc.processPrelaunch.enabled': false,
  // The profile is that of a browser that was killed.
  'browser.sessionstore.resume_from_crash': false,
  'toolkit.startup.max_resumed_crashes': -1,
};

/** What a page tells goes through its console: Playwright's bindings wait for an answer, and a page that dies gets none. */
const tellScript = `globalThis.${tellBinding} = (report) => console.debug('${tellBinding}' + report)`;

const workerThread = 'DOM Worker';

/** Starts Firefox on the profile in `folder`. Its processes are told apart as Linux tells them. */
export const startFirefox = async (folder: string): Promise<ChaosBrowser> => {
  const executable = findFirefox();
  if (executable === undefined) throw new Error('there is no Firefox');
  const context = await firefox.launchPersistentContext(folder, {
    ...(!isPlaywrights(executable) && { channel: 'moz-firefox' }),
    executablePath: fileURLToPath(new URL('../harness/firefox.sh', import.meta.url)),
    env: { ...process.env, ONESOCKET_FIREFOX: executable } as Record<string, string>,
    firefoxUserPrefs: preferences,
    timeout: chaosLimits.browserStartMsMax,
  });
  const closed = new Promise<void>((resolve) => context.once('close', () => resolve()));
  const root = processes().find(({ parent, command }) => parent === process.pid && command.includes(folder));
  if (root === undefined) throw new Error('the process of Firefox is not known');
  const all = (): number[] =>
    descendants(root.pid).flatMap(({ pid, command }) => (/-contentproc .* tab$/.test(command) ? [pid] : []));
  const own = new Set(all());
  const renderers = async (): Promise<number[]> => all().filter((pid) => !own.has(pid));
  const processOf: ChaosBrowser['processOf'] = (page) => processOfPage(page, renderers, workerThread);
  return {
    openPage: async (script, take) => {
      const page = await context.newPage();
      page.on('console', (message) => {
        const text = message.text();
        if (text.startsWith(tellBinding)) take(text.slice(tellBinding.length));
      });
      await page.addInitScript(tellScript);
      await page.addInitScript(script);
      return page;
    },
    crash: async (page) => signalProcess(await processOf(page), 'SIGKILL'),
    renderers,
    processOf,
    workerProcess: async () => (await renderers()).find((pid) => countThreads(pid, workerThread) > 0),
    closeWorkers: null,
    fillDisk: null,
    async kill() {
      const pids = [root, ...descendants(root.pid)].map(({ pid }) => pid);
      for (const pid of pids) signalProcess(pid, 'SIGKILL');
      await within(chaosLimits.stepMsMax, 'the end of Firefox', closed);
    },
  };
};
