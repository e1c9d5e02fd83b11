import { expect, test } from '@playwright/test';
import { runChaos } from './run.ts';
import { shortPace } from './schedule.ts';
import type { ChaosHost } from './setting.ts';

interface ShortRun {
  readonly host: ChaosHost;
  readonly minutes: number;
  readonly seed: number;
}

/** Another one is `npm run chaos -- --dense --minutes 0.8 --host H --seed N`. */
const runs: readonly ShortRun[] = [
  { host: 'shared-worker', minutes: 0.8, seed: 20 },
  { host: 'dedicated-worker', minutes: 0.42, seed: 20 },
];

for (const { host, minutes, seed } of runs) {
  test(`what was told stored arrives once and in order, whatever breaks, with the host ${host}`, async () => {
    test.setTimeout(240_000);
    const lines: string[] = [];
    const { summary, failure } = await runChaos({
      browser: 'chromium',
      host,
      seed,
      minutes,
      pace: shortPace,
      say: (line) => void lines.push(line),
    });
    process.stdout.write(`${summary}\n`);
    expect(failure, [...lines, summary].join('\n')).toBe('');
  });
}
