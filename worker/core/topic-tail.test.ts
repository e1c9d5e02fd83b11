import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as coreLimits from './limits.ts';
import { recordBytes, TopicTail } from './topic-tail.ts';

const rows = (offset: number, count: number, epoch = 'e', bytes = 10) =>
  ({ kind: 'messages', count, epoch, offset, rows: 'x'.repeat(bytes) }) as const;
const binary = (offset: number, byteLength: number) =>
  ({
    kind: 'bytes',
    count: 1,
    epoch: 'e',
    offset,
    id: 'i',
    ts: 0,
    bytes: new ArrayBuffer(byteLength),
  }) as const;
const gap = (offset: number, epoch = 'e') =>
  ({ kind: 'gap', count: 1, epoch, offset, reason: 'history', missed: null }) as const;

function tailOf(...records: Parameters<TopicTail['append']>[0][]): TopicTail {
  const tail = new TopicTail();
  for (const record of records) tail.append(record);
  return tail;
}

describe('the tail of a topic', () => {
  it('is empty at first', () => {
    const tail = new TopicTail();
    expect([tail.begin, tail.end, tail.recordAt(0)]).toEqual([0, 0, undefined]);
  });

  it('counts messages and gaps, over all epochs', () => {
    const tail = tailOf(rows(1, 3), gap(9), binary(10, 5), rows(1, 2, 'f'));
    expect([tail.begin, tail.end]).toEqual([0, 7]);
    expect([0, 2, 3, 4, 5, 6, 7].map((place) => tail.recordAt(place)?.at)).toEqual([
      0,
      0,
      3,
      4,
      5,
      5,
      undefined,
    ]);
  });

  it('gives the first record after a place that is not kept any more', () => {
    const tail = tailOf(rows(1, 10), rows(11, coreLimits.tailMessages));
    expect(tail.begin).toBe(10);
    expect(tail.recordAt(0)?.at).toBe(10);
  });

  it('keeps so many messages', () => {
    const tail = tailOf(rows(1, coreLimits.tailMessages - 1), rows(1, 1));
    expect(tail.begin).toBe(0);
    tail.append(rows(1, 1));
    expect(tail.begin).toBe(coreLimits.tailMessages - 1);
  });

  it('keeps so many bytes, of text and of binary messages', () => {
    const half = coreLimits.tailBytes / 2;
    const tail = tailOf(binary(1, half), rows(2, 4, 'e', half));
    expect(tail.begin).toBe(0);
    tail.append(rows(6, 1, 'e', 1));
    expect(tail.begin).toBe(1);
  });

  it('keeps the newest record, however large', () => {
    const tail = tailOf(rows(1, 1), binary(2, coreLimits.tailBytes + 1));
    expect([tail.begin, tail.end]).toEqual([1, 2]);
  });

  it('stays within its bounds, but for a single record, whatever comes', () => {
    const record = fc.oneof(
      fc.integer({ min: 1, max: coreLimits.tailMessages + 999 }).map((count) => rows(1, count)),
      fc.integer({ min: 0, max: coreLimits.tailBytes / 2 + 99 }).map((bytes) => binary(1, bytes)),
      fc.constant(gap(1)),
    );
    fc.assert(
      fc.property(fc.array(record, { maxLength: 20, size: 'max' }), (records) => {
        const tail = new TopicTail();
        for (const each of records) {
          tail.append(each);
          const kept = [];
          for (let place = tail.begin; place < tail.end;) {
            const found = tail.recordAt(place)!;
            kept.push(found);
            place = found.at + found.count;
          }
          const bytes = kept.reduce((sum, one) => sum + recordBytes(one), 0);
          const isWithin = tail.end - tail.begin <= coreLimits.tailMessages && bytes <= coreLimits.tailBytes;
          expect(isWithin || kept.length === 1).toBe(true);
        }
      }),
      { numRuns: 30 },
    );
  });
});

describe('the place after a position', () => {
  const tail = tailOf(rows(5, 3), gap(20), rows(21, 2), binary(23, 1), gap(0, 'f'), rows(1, 2, 'f'));

  it.each([
    ['before the oldest message', { epoch: 'e', offset: 4 }, 0],
    ['in a run', { epoch: 'e', offset: 5 }, 1],
    ['at the end of a run', { epoch: 'e', offset: 7 }, 3],
    ['in the hole before a gap', { epoch: 'e', offset: 12 }, 3],
    ['at a gap', { epoch: 'e', offset: 20 }, 4],
    ['at a binary message', { epoch: 'e', offset: 23 }, 7],
    ['at the beginning of another epoch', { epoch: 'f', offset: 0 }, 8],
    ['at the end', { epoch: 'f', offset: 2 }, 10],
  ])('is right %s', (_, position, place) => {
    expect(tail.placeAfter(position)).toBe(place);
  });

  it.each([
    ['too old', { epoch: 'e', offset: 3 }],
    ['not there yet', { epoch: 'f', offset: 3 }],
    ['of an unknown epoch', { epoch: 'g', offset: 1 }],
  ])('is not known where that is %s', (_, position) => {
    expect(tail.placeAfter(position)).toBeUndefined();
  });
});
