import { parseArgs } from 'node:util';
import { runChaos } from './run.ts';
import { longPace, shortPace } from './schedule.ts';
import { browserNames, chaosHosts } from './setting.ts';
import type { Breakage } from './server-contract.ts';

// `npm run chaos -- --minutes 30 [--seed N] [--dense] [--break drop|double|swap|damage]
//   [--browser chromium|firefox] [--host shared-worker|dedicated-worker|page|mixed]`

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '30' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    dense: { type: 'boolean', default: false },
    break: { type: 'string' },
    browser: { type: 'string', default: browserNames[0] },
    host: { type: 'string', default: chaosHosts[0] },
  },
});

// The browser is a process group of its own, which a signal to this one does not reach; leaving by exit ends it.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));

const say = (line: string): void => void process.stdout.write(`${line}\n`);

const oneOf = <T extends string>(names: readonly T[], text: string): T => {
  const name = names.find((known) => known === text);
  if (name === undefined) throw new Error(`${text} is none of ${names.join(', ')}`);
  return name;
};

const { summary, failure } = await runChaos({
  browser: oneOf(browserNames, values.browser),
  host: oneOf(chaosHosts, values.host),
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
