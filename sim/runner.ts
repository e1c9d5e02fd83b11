import { fork, type ChildProcess } from 'node:child_process';
import * as simLimits from './limits.ts';
import { installGlobals } from './globals.ts';
import { simulate, type Outcome } from './simulation.ts';

/** A seed that broke a rule. */
interface BrokenSeed {
  readonly seed: number;
  readonly text: string;
}

/** What a run came to. */
export interface Tally {
  seeds: number;
  simulatedMs: number;
  readonly broken: BrokenSeed[];
}

/** What a process tells the one that started it. */
type Report = { readonly seed: number; readonly simulatedMs: number; readonly text: string | null };

/** How to run seeds. */
export interface SeedRun {
  readonly from: number;
  readonly seeds: number;
  readonly jobs: number;
  readonly tabs: number | undefined;
  readonly isSingle: boolean;
  readonly isFirst: boolean;
  /** Aborted when no further seed shall begin. */
  readonly signal: AbortSignal;
  /** A seed broke a rule. */
  onBroken(broken: BrokenSeed): void;
  /** How to describe it. */
  describe(outcome: Outcome): string;
}

/** Runs seeds, in as many processes as asked for: each takes every n-th. */
export async function runSeeds(run: SeedRun): Promise<Tally> {
  const tally: Tally = { seeds: 0, simulatedMs: 0, broken: [] };
  const take = (report: Report) => {
    const { seed, simulatedMs, text } = report;
    process.send?.(report);
    tally.seeds += 1;
    tally.simulatedMs += simulatedMs;
    if (text === null) return;
    tally.broken.push({ seed, text });
    run.onBroken({ seed, text });
  };
  if (run.jobs === 1) await runHere(run, take);
  else await runElsewhere(run, take);
  return tally;
}

async function runHere(run: SeedRun, take: (report: Report) => void): Promise<void> {
  const { stackTraceLimit } = Error;
  installGlobals();
  if (run.isSingle) Error.stackTraceLimit = stackTraceLimit;
  const step = Number(process.env.ONESOCKET_SIM_STEP ?? 1);
  for (let seed = run.from; seed < run.from + run.seeds && !run.signal.aborted; seed += step) {
    const timelineLines = run.isSingle ? simLimits.timelineLinesAlone : undefined;
    const outcome = await simulate(seed, { timelineLines, pages: run.tabs });
    const text = outcome.failure === null ? null : run.describe(outcome);
    take({ seed, simulatedMs: outcome.simulatedMs, text });
    if (text !== null && run.isFirst) return;
  }
}

async function runElsewhere(run: SeedRun, take: (report: Report) => void): Promise<void> {
  const children: ChildProcess[] = [];
  const stop = () => children.forEach((child) => child.kill('SIGINT'));
  run.signal.addEventListener('abort', stop);
  const ends = Array.from({ length: run.jobs }, (_, index) => {
    const { from, seeds } = run;
    const args = ['--from', `${from + index}`, '--seeds', `${Math.max(1, seeds - index)}`, '--jobs', '1'];
    if (run.tabs !== undefined) args.push('--tabs', `${run.tabs}`);
    const child = fork(process.argv[1]!, args, {
      env: { ...process.env, ONESOCKET_SIM_STEP: `${run.jobs}` },
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    children.push(child);
    child.on('message', (report) => {
      take(report as Report);
      if (run.isFirst && (report as Report).text !== null) stop();
    });
    return new Promise<void>((resolve, reject) => {
      child.on('error', reject);
      child.on('exit', (code) =>
        code === 0 || code === 1 ? resolve() : reject(new Error(`a process ended with ${code}`)),
      );
    });
  });
  await Promise.all(ends);
  run.signal.removeEventListener('abort', stop);
}
