import type { Page } from '@playwright/test';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import * as chaosLimits from './limits.ts';

/** One process as Linux tells of it. */
export interface ProcessEntry {
  readonly pid: number;
  readonly parent: number;
  /** With spaces between the arguments. */
  readonly command: string;
}

const read = (file: string): string => {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    // The process or the thread has ended.
    return '';
  }
};

/** All processes of this system. */
export const processes = (): ProcessEntry[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => ({
      pid: Number(name),
      parent: Number(/\) \S (\d+)/.exec(read(`/proc/${name}/stat`))?.[1] ?? 0),
      command: read(`/proc/${name}/cmdline`).replaceAll('\0', ' ').trim(),
    }));

/** What a process has started, and what that has started. */
export const descendants = (pid: number): ProcessEntry[] => {
  const all = processes();
  const found = new Set([pid]);
  // A Set's iteration takes up what is added meanwhile.
  for (const at of found) for (const entry of all) if (entry.parent === at) found.add(entry.pid);
  return all.filter((entry) => entry.pid !== pid && found.has(entry.pid));
};

/** How many threads of a process have a name that begins so. Linux cuts names at 15 characters. */
export const countThreads = (pid: number, name: string): number => {
  try {
    const tasks = readdirSync(`/proc/${pid}/task`);
    return tasks.filter((task) => read(`/proc/${pid}/task/${task}/comm`).startsWith(name)).length;
  } catch {
    return 0;
  }
};

/** Sends a signal, unless the process has died by itself meanwhile, or with another one. */
export const signalProcess = (pid: number, signal: NodeJS.Signals): void => {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
};

/** The one of these processes in which a page runs: it gains threads of that name when the page starts workers. */
export const processOfPage = async (
  page: Page,
  candidates: () => Promise<number[]>,
  workerThread: string,
): Promise<number> => {
  const count = async (): Promise<Map<number, number>> =>
    new Map((await candidates()).map((pid) => [pid, countThreads(pid, workerThread)]));
  const before = await count();
  await page.evaluate((workers) => {
    const url = URL.createObjectURL(new Blob(['']));
    const markers = Array.from({ length: workers }, () => new Worker(url));
    Object.assign(globalThis, { markers });
  }, chaosLimits.markerWorkers);
  try {
    for (const deadline = performance.now() + chaosLimits.stepMsMax; performance.now() < deadline;) {
      const gained = (pid: number, now: number): boolean =>
        now >= (before.get(pid) ?? 0) + chaosLimits.markerWorkers;
      const found = [...(await count())].find(([pid, now]) => gained(pid, now));
      if (found) return found[0];
      await delay(20);
    }
    throw new Error(`the process of ${page.url()} is not known`);
  } finally {
    await page.evaluate(() => {
      for (const marker of (globalThis as unknown as { markers: Worker[] }).markers) marker.terminate();
    });
  }
};
