import { expect, test } from 'vitest';
import { binned, histogram, joined, peak } from './histogram.ts';

test('counts what lies in each bin', () => {
  expect(binned([0, 99, 100, 350], 100)).toEqual([2, 1, 0, 1]);
});

test('finds the most in some bins in a row', () => {
  expect(peak([1, 5, 0, 4, 4, 0], 2)).toBe(8);
  expect(peak([3], 10)).toBe(3);
});

test('joins bins, the last of which may be short', () => {
  expect(joined([1, 2, 3, 4, 5], 2)).toEqual([3, 7, 5]);
});

test('draws a bar as long as the last series', () => {
  expect(histogram({ theory: [1.4, 2], dialled: [1, 4] }, 500)).toEqual([
    '              theory   dialled',
    '     0.0 s         1         1  ##########',
    '     0.5 s         2         4  ########################################',
  ]);
});
