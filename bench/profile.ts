import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type BrowserContext, type Page } from 'playwright';
import { chromiumArgs } from '../scripts/browser.mjs';
import { workerHeapBytes } from './worker-heap.ts';

/** A browser whose profile is on the disk: in a context of `newContext()` IndexedDB is in memory only. */
export interface Profile extends AsyncDisposable {
  readonly port: number;
  /** Opens empty pages, gives them to `run`, and closes them. */
  withPages<T>(count: number, run: (pages: readonly Page[]) => Promise<T>): Promise<T>;
  /** Bytes of heap that the one SharedWorker uses after a garbage collection. */
  workerHeapBytes(): Promise<number>;
  /** Ends the browser, and starts it again with the same profile. */
  restart(): Promise<void>;
}

/** Starts a browser with an empty profile. */
export async function openProfile(executablePath: string, port: number): Promise<Profile> {
  const folder = await mkdtemp(join(tmpdir(), 'onesocket-bench-'));
  const start = async () => {
    const context = await chromium.launchPersistentContext(folder, { executablePath, args: chromiumArgs });
    // tsx compiles with esbuild's keepNames, whose helper the functions that run in the page would miss.
    await context.addInitScript('globalThis.__name = (target) => target');
    return context;
  };
  let context = await start();
  return {
    port,
    withPages: (count, run) => withPages(context, port, count, run),
    workerHeapBytes: () => workerHeapBytes(context.browser()!),
    async restart() {
      await context.close();
      context = await start();
    },
    async [Symbol.asyncDispose]() {
      await context.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function withPages<T>(
  context: BrowserContext,
  port: number,
  count: number,
  run: (pages: readonly Page[]) => Promise<T>,
): Promise<T> {
  const open = async () => {
    const page = await context.newPage();
    await page.goto(`http://127.0.0.1:${port}/`);
    return page;
  };
  const pages = await Promise.all(Array.from({ length: count }, open));
  try {
    return await run(pages);
  } finally {
    await Promise.all(pages.map((page) => page.close()));
  }
}
