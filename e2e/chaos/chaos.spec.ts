import { expect, test } from '@playwright/test';
import { runChaos } from './run.ts';
import { shortPace } from './schedule.ts';

/** Another one is `npm run chaos -- --minutes 0.8 --dense --seed N`. */
const seed = 20;

test('what was told stored arrives once and in order, whatever is killed, cut, frozen or filled', async () => {
  test.setTimeout(240_000);
  const lines: string[] = [];
  const { summary, failure } = await runChaos({
    seed,
    minutes: 0.8,
    pace: shortPace,
    say: (line) => void lines.push(line),
  });
  process.stdout.write(`${summary}\n`);
  expect(failure, [...lines, summary].join('\n')).toBe('');
});
