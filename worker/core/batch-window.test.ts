import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { batchTaken, createBatchWindow, hasCredit, nextBatch } from './batch-window.ts';

describe('a batch window', () => {
  it('gives credit for so many batches, numbered from one', () => {
    const window = createBatchWindow(2);
    expect([nextBatch(window), hasCredit(window), nextBatch(window), hasCredit(window)]).toEqual([
      1,
      true,
      2,
      false,
    ]);
  });

  it('gives credit back for all batches up to the one that was taken', () => {
    const window = createBatchWindow(2);
    nextBatch(window);
    nextBatch(window);
    batchTaken(window, 2);
    expect(window).toEqual({ limit: 2, sent: 2, taken: 2 });
  });

  it.each([0, 1, 3, -1, Number.NaN])(
    'is not changed by %d where two were sent and one was taken',
    (number) => {
      const window = { limit: 2, sent: 2, taken: 1 };
      batchTaken(window, number);
      expect(window).toEqual({ limit: 2, sent: 2, taken: 1 });
    },
  );

  it('never has more under way than its limit, nor loses credit for good', () => {
    const acknowledgements = fc.array(fc.integer({ min: -1, max: 30 }), { maxLength: 50 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 4 }), acknowledgements, (limit, numbers) => {
        const window = createBatchWindow(limit);
        for (const number of numbers) {
          while (hasCredit(window)) nextBatch(window);
          expect(window.sent - window.taken).toBe(limit);
          batchTaken(window, number);
        }
        batchTaken(window, window.sent);
        expect(hasCredit(window)).toBe(true);
      }),
    );
  });
});
