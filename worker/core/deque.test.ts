import { equal } from 'node:assert/strict';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Deque } from './deque.ts';

type Command = { readonly push: number } | { readonly shift: number } | { readonly dropEvery: number };

const commands: fc.Arbitrary<Command[]> = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: fc.record({ push: fc.nat(3_000) }) },
    { weight: 5, arbitrary: fc.record({ shift: fc.nat(3_000) }) },
    { weight: 1, arbitrary: fc.record({ dropEvery: fc.integer({ min: 1, max: 5 }) }) },
  ),
  { maxLength: 12, size: 'max' },
);

describe('a deque', () => {
  it('does what an array does', () => {
    fc.assert(
      fc.property(commands, fc.nat(), (sequence, probe) => {
        const deque = new Deque<number>();
        let array: number[] = [];
        let next = 0;
        for (const command of sequence) {
          if ('push' in command) {
            for (let count = 0; count < command.push; count++) {
              deque.push(next);
              array.push(next++);
            }
          } else if ('shift' in command) {
            for (let count = 0; count < command.shift; count++) equal(deque.shift(), array.shift());
          } else {
            const isKept = (item: number) => item % command.dropEvery > 0;
            deque.filter(isKept);
            array = array.filter(isKept);
          }
          expect(deque.length).toBe(array.length);
          const index = probe % (array.length + 2);
          expect(deque.at(index)).toBe(array[index]);
          const firstAfter = array.findIndex((item) => item > probe);
          expect(deque.search((item) => item > probe)).toBe(firstAfter < 0 ? array.length : firstAfter);
        }
        expect([...deque]).toEqual(array);
      }),
      { numRuns: 50 },
    );
  });

  it('gives undefined beyond its ends', () => {
    const deque = new Deque<string>();
    deque.push('a');
    expect([deque.at(-1), deque.at(0), deque.at(1)]).toEqual([undefined, 'a', undefined]);
    expect([deque.shift(), deque.shift(), deque.length]).toEqual(['a', undefined, 0]);
  });
});
