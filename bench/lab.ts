import { fileURLToPath } from 'node:url';
import { chromium, type Browser } from 'playwright';
import { startServerProcess, type ServerProcess } from '../demo/backend/server-process.ts';
import { chromiumArgs, findChromium } from '../scripts/browser.mjs';
import type { BenchCommand, ServerCost, Side } from './contract.ts';
import { openBenchTab, type BenchTab } from './page.ts';

/** A browser and a server process, and ways to use them. */
export interface Lab extends AsyncDisposable {
  /** Opens tabs in a fresh browser context, gives them to `run`, and closes them. */
  withTabs<T>(count: number, run: (tabs: readonly BenchTab[]) => Promise<T>): Promise<T>;
  /** Publishes numbered messages at full speed. Settles with the time of the beginning, ms since the epoch. */
  flood(side: Side, count: number): Promise<number>;
  cost(side: Side): Promise<ServerCost>;
}

/** Starts both. Throws if there is no Chromium. */
export async function openLab(): Promise<Lab> {
  const executablePath = findChromium();
  if (!executablePath) throw new Error('npm run bench needs a Chromium: npm run setup finds or installs one');
  const server = await startServerProcess({ entry: fileURLToPath(new URL('server.ts', import.meta.url)) });
  const browser = await chromium.launch({ executablePath, args: chromiumArgs });
  return labOf(server, browser);
}

const floodTimeoutMs = 120_000;

const labOf = (server: ServerProcess, browser: Browser): Lab => {
  const ask = (command: BenchCommand) => server.request(command, floodTimeoutMs);
  return {
    async withTabs(count, run) {
      const context = await browser.newContext();
      // tsx compiles with esbuild's keepNames, whose helper the functions that run in the page would miss.
      await context.addInitScript('globalThis.__name = (target) => target');
      const open = async () => await openBenchTab(await context.newPage(), server.port);
      const tabs = await Promise.all(Array.from({ length: count }, open));
      try {
        return await run(tabs);
      } finally {
        await context.close();
      }
    },
    flood: async (side, count) => (await ask({ kind: 'flood', side, count })) as number,
    cost: async (side) => (await ask({ kind: 'cost', side })) as ServerCost,
    async [Symbol.asyncDispose]() {
      await browser.close();
      await server.kill();
    },
  };
};
