import { parseArgs } from 'node:util';
import { runChaos } from './run.ts';
import { longPace, shortPace } from './schedule.ts';
import type { Breakage } from './server-contract.ts';

// `npm run chaos -- --minutes 30 [--seed N] [--dense] [--break drop|double|swap|damage]`

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '30' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    dense: { type: 'boolean', default: false },
    break: { type: 'string' },
  },
});

// The browser is a process group of its own, which a signal to this one does not reach; leaving by exit ends it.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));

const say = (line: string): void => void process.stdout.write(`${line}\n`);

const { summary, failure } = await runChaos({
  seed: Number(values.seed),
  minutes: Number(values.minutes),
  pace: values.dense ? shortPace : longPace,
  breaks: values.break as Breakage | undefined,
  say,
});
if (failure !== '') {
  say(failure);
  process.exitCode = 1;
}
say(summary);
