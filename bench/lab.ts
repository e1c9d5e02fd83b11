import { fileURLToPath } from 'node:url';
import { chromium, type Browser } from 'playwright';
import { startServerProcess, type ServerProcess } from '../demo/backend/server-process.ts';
import { chromiumArgs, findChromium } from '../scripts/browser.mjs';
import type { BenchBrowser, BenchCommand, ServerCost, Side } from './contract.ts';
import { openContext, startMortalBrowser, type MortalBrowser } from './mortal-browser.ts';
import { openBenchTab, type BenchTab } from './page.ts';
import { openProfile, type Profile } from './profile.ts';

/** A browser and a server process, and ways to use them. */
export interface Lab extends AsyncDisposable {
  /** Opens tabs in a fresh browser context, gives them to `run`, and closes them. */
  withTabs<T>(count: number, run: (tabs: readonly BenchTab[]) => Promise<T>): Promise<T>;
  /** Gives a browser of its own and the server's port to `run`, and ends that browser, whatever was done to it. */
  withBrowser<T>(name: BenchBrowser, run: (browser: MortalBrowser, port: number) => Promise<T>): Promise<T>;
  /** Publishes numbered messages at full speed. Settles with the time of the beginning, ms since the epoch. */
  flood(side: Side, count: number): Promise<number>;
  cost(side: Side): Promise<ServerCost>;
  /** The same, once the server has noticed that whoever was connected is gone. */
  costOfNobody(side: Side): Promise<ServerCost>;
  /** Gives a browser with an empty profile on the disk to `run`, and ends it. */
  withProfile<T>(run: (profile: Profile) => Promise<T>): Promise<T>;
  /** Settles with the time at which the next message of a restarted page arrives, ms since the epoch. */
  firstMessage(side: Side): Promise<number>;
  /** Accepts what a restarted page has sent. */
  release(): Promise<void>;
}

/** Starts both. Throws if there is no Chromium. */
export async function openLab(): Promise<Lab> {
  const executablePath = findChromium();
  if (!executablePath) throw new Error('npm run bench needs a Chromium: npm run setup finds or installs one');
  const server = await startServerProcess({ entry: fileURLToPath(new URL('server.ts', import.meta.url)) });
  const browser = await chromium.launch({ executablePath, args: chromiumArgs });
  return labOf(server, browser, executablePath);
}

const floodTimeoutMs = 120_000;

const labOf = (server: ServerProcess, browser: Browser, executablePath: string): Lab => {
  const cost = async (side: Side) => (await ask({ kind: 'cost', side })) as ServerCost;
  const ask = (command: BenchCommand) => server.request(command, floodTimeoutMs);
  return {
    async withTabs(count, run) {
      const context = await openContext(browser);
      const open = async () => await openBenchTab(await context.newPage(), server.port);
      const tabs = await Promise.all(Array.from({ length: count }, open));
      try {
        return await run(tabs);
      } finally {
        await context.close();
      }
    },
    async withBrowser(name, run) {
      const other = await startMortalBrowser(name);
      try {
        return await run(other, server.port);
      } finally {
        await other.end();
      }
    },
    flood: async (side, count) => (await ask({ kind: 'flood', side, count })) as number,
    cost,
    async costOfNobody(side) {
      for (;;) {
        const now = await cost(side);
        if (now.connections === 0) return now;
      }
    },
    async withProfile(run) {
      await using profile = await openProfile(executablePath, server.port);
      return await run(profile);
    },
    firstMessage: async (side) => (await ask({ kind: 'first', side })) as number,
    release: async () => void (await ask({ kind: 'release' })),
    async [Symbol.asyncDispose]() {
      await browser.close();
      await server.kill();
    },
  };
};
