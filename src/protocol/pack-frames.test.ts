import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { packFrames } from './codec.ts';
import { utf8Bytes } from './utf8.ts';

const bytesOf = (frame: string) => new TextEncoder().encode(frame).byteLength;

/** The envelopes of a frame, written again as they were. */
const unpack = (frame: string): string[] => {
  const parsed: unknown = JSON.parse(frame);
  return Array.isArray(parsed) ? parsed.map((each) => JSON.stringify(each)) : [frame];
};

const envelopes = fc.array(
  fc.string({ unit: 'binary', maxLength: 30 }).map((a) => JSON.stringify({ a })),
  { maxLength: 40 },
);
const bounds = fc.record({
  maxBatch: fc.integer({ min: 1, max: 10 }),
  maxFrameBytes: fc.integer({ min: 0, max: 300 }),
});

describe('packFrames', () => {
  it('keeps every envelope, in order', () => {
    fc.assert(
      fc.property(envelopes, bounds, (input, limits) => {
        expect(packFrames(input, limits).flatMap(unpack)).toEqual(input);
      }),
    );
  });

  it('keeps every frame within the bounds, unless a single envelope is above them', () => {
    fc.assert(
      fc.property(envelopes, bounds, (input, limits) => {
        for (const frame of packFrames(input, limits)) {
          const { length } = unpack(frame);
          expect(length).toBeLessThanOrEqual(limits.maxBatch);
          expect(length === 1 || bytesOf(frame) <= limits.maxFrameBytes).toBe(true);
        }
      }),
    );
  });

  it('leaves no room for the next envelope in a frame, but for a byte of rounding', () => {
    fc.assert(
      fc.property(envelopes, bounds, (input, limits) => {
        const frames = packFrames(input, limits).map(unpack);
        for (const [index, frame] of frames.slice(0, -1).entries()) {
          const joined = `[${[...frame, frames[index + 1]![0]!].join(',')}]`;
          expect(frame.length === limits.maxBatch || utf8Bytes(joined) >= limits.maxFrameBytes).toBe(true);
        }
      }),
    );
  });

  it('gives no frame for no envelopes', () => {
    expect(packFrames([], { maxBatch: 1, maxFrameBytes: 10 })).toEqual([]);
  });

  it('writes a lone envelope without an array, and several as one', () => {
    expect(packFrames(['{"a":1}'], { maxBatch: 9, maxFrameBytes: 99 })).toEqual(['{"a":1}']);
    expect(packFrames(['1', '2'], { maxBatch: 9, maxFrameBytes: 99 })).toEqual(['[1,2]']);
  });
});
