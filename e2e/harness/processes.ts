import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { Evaluates } from './tab.ts';

/** Browsers whose processes are found by Linux's account of their threads. */
export type Engine = 'chromium' | 'firefox' | 'webkit';

/** A command line that belongs to the process of pages, and the names of the threads of workers in it. */
const engines = {
  chromium: { page: /--type=renderer/, worker: 'DedicatedWorker', shared: 'SharedWorker' },
  firefox: { page: /-contentproc .* tab\s*$/, worker: 'DOM Worker', shared: 'DOM Worker' },
  webkit: { page: /WebKitWebProcess/, worker: 'WebCore: Worker', shared: 'SharedWorker' },
} as const;

const pollMs = 10;
const patienceMs = 10_000;
/** So many that no app, and no coincidence, starts them at once. */
const markerWorkers = 3;

const read = (path: string): string => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // The process or thread has ended.
    return '';
  }
};

const parentOf = (pid: number): number => Number(/\) \S (\d+)/.exec(read(`/proc/${pid}/stat`))?.[1] ?? 0);

const isOurs = (pid: number): boolean => {
  for (let at = pid; at > 1; at = parentOf(at)) if (at === process.pid) return true;
  return false;
};

const processes = (): number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);

/** Processes of pages, of browsers that this process started. */
const pageProcesses = (engine: Engine): number[] =>
  processes().filter((pid) => {
    const command = read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ');
    return engines[engine].page.test(command) && isOurs(pid);
  });

const isNode = (pid: number): boolean => {
  try {
    return readlinkSync(`/proc/${pid}/exe`) === process.execPath;
  } catch {
    return false;
  }
};

/** All processes of the browsers that this process started: what else it starts runs in Node. */
export const browserProcesses = (): number[] =>
  processes().filter((pid) => pid !== process.pid && isOurs(pid) && !isNode(pid));

/** Sends a signal, unless the process has ended by then: browsers end helpers of theirs at any time. */
const signalIfAlive = (pid: number, name: NodeJS.Signals): void => {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
};

/** Stops processes where they are. They go on when the result is disposed of. */
export const stopProcesses = (pids: readonly number[]): Disposable => {
  const signal = (name: NodeJS.Signals) => {
    for (const pid of pids) signalIfAlive(pid, name);
  };
  signal('SIGSTOP');
  return { [Symbol.dispose]: () => signal('SIGCONT') };
};

const threads = (pid: number, name: string): number => {
  try {
    const tasks = readdirSync(`/proc/${pid}/task`);
    return tasks.filter((task) => read(`/proc/${pid}/task/${task}/comm`).includes(name)).length;
  } catch {
    return 0;
  }
};

const countWorkers = (engine: Engine): Map<number, number> =>
  new Map(pageProcesses(engine).map((pid) => [pid, threads(pid, engines[engine].worker)]));

/** The processes in which SharedWorkers run, as long as no page has workers of its own. */
export const processesWithWorkers = (engine: Engine): number[] =>
  pageProcesses(engine).filter((pid) => threads(pid, engines[engine].shared) > 0);

const until = async <T>(what: string, look: () => T | undefined): Promise<T> => {
  for (const deadline = Date.now() + patienceMs; Date.now() < deadline; await delay(pollMs)) {
    const found = look();
    if (found !== undefined) return found;
  }
  throw new Error(`${what} took too long`);
};

/** The process of a page: the one that gains threads when the page starts workers. */
export const processOfPage = async (engine: Engine, page: Evaluates): Promise<number> => {
  const before = countWorkers(engine);
  await page.evaluate((count) => {
    const url = URL.createObjectURL(new Blob(['onmessage = close']));
    const markers = Array.from({ length: count }, () => new Worker(url));
    Object.assign(globalThis, { markers });
  }, markerWorkers);
  const gained = (count: number) => (): number | undefined =>
    [...countWorkers(engine)].find(([pid, now]) => now >= (before.get(pid) ?? 0) + count)?.[0];
  const pid = await until('the start of workers', gained(markerWorkers));
  await page.evaluate(() => {
    for (const worker of (globalThis as unknown as { markers: Worker[] }).markers) worker.terminate();
  });
  await until('the end of workers', () =>
    threads(pid, engines[engine].worker) <= (before.get(pid) ?? 0) ? true : undefined,
  );
  return pid;
};

/** SIGKILL; settles when the process is gone. */
export const killProcess = async (pid: number): Promise<void> => {
  process.kill(pid, 'SIGKILL');
  await until('the end of a process', () => {
    const state = /\) (\S)/.exec(read(`/proc/${pid}/stat`))?.[1];
    return state === undefined || state === 'Z' ? true : undefined;
  });
};
