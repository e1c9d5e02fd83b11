import { execFileSync } from 'node:child_process';
import { readArguments, type SimArguments } from './arguments.ts';
import { runSeeds, type Tally } from './runner.ts';
import type { Outcome } from './simulation.ts';

/** Runs the command line of `npm run sim`, and gives its exit code. */
export async function runCommand(args: readonly string[]): Promise<number> {
  const options = readArguments(args);
  const stopping = new AbortController();
  process.on('SIGINT', () => stopping.abort());
  process.on('SIGTERM', () => stopping.abort());
  const began = performance.now();
  const tally = await runSeeds({
    ...options,
    signal: stopping.signal,
    onBroken: ({ text }) => console.log(`\n${text}`),
    describe: (outcome) => describe(outcome, options),
  });
  console.log(summary(tally, performance.now() - began));
  return tally.broken.length > 0 ? 1 : 0;
}

function summary({ seeds, simulatedMs, broken }: Tally, realMs: number): string {
  const speed = Math.round(simulatedMs / Math.max(1, realMs));
  return `seeds ${seeds}, violations ${broken.length}, simulated seconds per second ${speed}`;
}

/** Everything that a person needs to find the cause. */
function describe({ seed, failure, plan, timeline }: Outcome, { isSingle, tabs }: SimArguments): string {
  const { name, message, stack } = failure as Error;
  const trace = name === 'Violation' ? '' : `\n${stack}`;
  return [
    `${timeline()}`,
    ...(isSingle ? [JSON.stringify(plan)] : []),
    `seed ${seed}, commit ${commit()}: ${message}${trace}`,
    `again: npm run sim -- --seed ${seed}${tabs === undefined ? '' : ` --tabs ${tabs}`}`,
  ].join('\n');
}

function commit(): string {
  const git = (...args: string[]) =>
    execFileSync('git', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  try {
    const changes = git('status', '--porcelain', '--untracked-files=no') ? ' and changes' : '';
    return git('rev-parse', '--short', 'HEAD') + changes;
  } catch {
    return 'unknown';
  }
}
