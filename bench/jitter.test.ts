import { expect, test } from 'vitest';
import { binned } from './histogram.ts';
import { expectedAttempts } from './jitter.ts';
import { pseudoRandom } from './statistics.ts';

const formula = { baseMs: 1_000, maxMs: 30_000 };
const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

test('spreads one attempt of each client over the range of the first wait if the server is back at once', () => {
  const bins = expectedAttempts(formula, { clients: 1_000, downMs: 0, binMs: 100 });
  expect(bins.slice(0, 5)).toEqual([0, 0, 0, 0, 0]);
  for (const bin of bins.slice(5, 15)) expect(bin).toBeCloseTo(100);
  expect(sum(bins)).toBeCloseTo(1_000);
});

test('counts a second attempt of those alone whose first one failed', () => {
  const bins = expectedAttempts(formula, { clients: 1_000, downMs: 1_000, binMs: 100 });
  expect(sum(bins)).toBeCloseTo(1_500, 0);
});

test('waits no longer than the maximum', () => {
  const short = { baseMs: 1_000, maxMs: 1_000 };
  const bins = expectedAttempts(short, { clients: 1, downMs: 20_000, binMs: 1_000 });
  expect(bins.length).toBeLessThanOrEqual(22);
});

test('agrees with many clients that draw their waits', () => {
  const [clients, downMs, binMs] = [200_000, 5_000, 500];
  const random = pseudoRandom(1);
  const times: number[] = [];
  for (let client = 0; client < clients; client++) {
    let at = 0;
    for (let attempt = 0; at === 0 || at < downMs; attempt++) {
      at += Math.min(formula.maxMs, formula.baseMs * 2 ** attempt) * (0.5 + random());
      times.push(at);
    }
  }
  const drawn = binned(times, binMs);
  const expected = expectedAttempts(formula, { clients, downMs, binMs });
  expect(Math.abs(expected.length - drawn.length)).toBeLessThanOrEqual(1);
  drawn.forEach((count, bin) => expect(Math.abs(count - expected[bin]!)).toBeLessThan(clients * 0.01));
});
