import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { backoffDelayMs } from './backoff.ts';
import type { BackoffPolicy } from './policy-types.ts';

const policies: fc.Arbitrary<BackoffPolicy> = fc
  .tuple(fc.integer({ min: 1, max: 60_000 }), fc.integer({ min: 0, max: 2 ** 31 }))
  .map(([baseMs, more]) => ({ baseMs, maxMs: baseMs + more, maxAttempts: 30, stableMs: 5_000 }));
const randoms = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const attempts = fc.oneof(fc.nat(64), fc.nat(), fc.constant(Number.MAX_SAFE_INTEGER));

const policy: BackoffPolicy = { baseMs: 1_000, maxMs: 30_000, maxAttempts: 30, stableMs: 5_000 };

describe('backoffDelayMs', () => {
  it.each([
    [0, 1_000],
    [1, 2_000],
    [2, 4_000],
    [4, 16_000],
    [5, 30_000],
    [6, 30_000],
  ])('is, in the middle of the jitter, at attempt %i: %i ms', (attempt, delayMs) => {
    expect(backoffDelayMs(policy, attempt, 0.5)).toBe(delayMs);
  });

  it('spreads from half to one and a half of the capped delay', () => {
    fc.assert(
      fc.property(policies, attempts, randoms, (each, attempt, random) => {
        const middle = Math.min(each.maxMs, each.baseMs * 2 ** attempt);
        const delayMs = backoffDelayMs(each, attempt, random);
        expect(Number.isFinite(delayMs)).toBe(true);
        expect(delayMs).toBeGreaterThanOrEqual(middle * 0.5);
        // The largest double below 1 may round up to the bound itself.
        expect(delayMs).toBeLessThanOrEqual(middle * 1.5);
      }),
    );
  });

  it('keeps the jitter at the cap', () => {
    expect(backoffDelayMs(policy, 20, 0)).not.toBe(backoffDelayMs(policy, 20, 0.9));
  });

  it('never becomes shorter with more attempts, at the same chance', () => {
    fc.assert(
      fc.property(policies, fc.nat(100), randoms, (each, attempt, random) => {
        const [sooner, later] = [attempt, attempt + 1].map((n) => backoffDelayMs(each, n, random));
        expect(later).toBeGreaterThanOrEqual(sooner!);
      }),
    );
  });

  it('stays within the cap and its jitter over a thousand attempts', () => {
    fc.assert(
      fc.property(policies, fc.array(randoms, { minLength: 1000, maxLength: 1000 }), (each, chances) => {
        const longest = Math.max(...chances.map((random, attempt) => backoffDelayMs(each, attempt, random)));
        expect(longest).toBeLessThanOrEqual(each.maxMs * 1.5);
      }),
      { numRuns: 20 },
    );
  });
});

describe('the delay of a patient retry', () => {
  it('is that of the cap, with its jitter', () => {
    expect([0, 0.5, 0.99].map((random) => backoffDelayMs(policy, Infinity, random))).toEqual([
      15_000, 30_000, 44_700,
    ]);
  });
});
