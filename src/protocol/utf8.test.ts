import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fitsUtf8, utf8Bytes } from './utf8.ts';

const encoded = (text: string) => new TextEncoder().encode(text).byteLength;

/** Any sequence of UTF-16 code units, lone surrogates and all. */
const codeUnits = fc
  .array(
    fc.oneof(
      fc.integer({ min: 0, max: 0xffff }),
      fc.integer({ min: 0xd7ff, max: 0xe000 }),
      fc.constantFrom(0x7f, 0x80, 0x7ff, 0x800, 0xd800, 0xdbff, 0xdc00, 0xdfff, 0xffff),
    ),
  )
  .map((units) => String.fromCharCode(...units));

describe('utf8Bytes', () => {
  it.each(['', 'a', 'é', '€', '😀', '\ud800', '\udc00', '\udc00\ud800', '\ud800\ud800\udc00', 'a\ud83d'])(
    'counts %j as an encoder does',
    (text) => {
      expect(utf8Bytes(text)).toBe(encoded(text));
    },
  );

  it('equals what an encoder writes, for any string', () => {
    fc.assert(
      fc.property(codeUnits, (text) => {
        expect(utf8Bytes(text)).toBe(encoded(text));
      }),
      { numRuns: 1000 },
    );
  });
});

describe('fitsUtf8', () => {
  it('says whether the encoded text is within the limit, for any string and limit', () => {
    fc.assert(
      fc.property(codeUnits, fc.integer({ min: -2, max: 40 }), (text, limit) => {
        expect(fitsUtf8(text, limit)).toBe(encoded(text) <= limit);
      }),
      { numRuns: 1000 },
    );
  });

  it('is exact at the limit', () => {
    fc.assert(
      fc.property(codeUnits, (text) => {
        const bytes = encoded(text);
        expect([fitsUtf8(text, bytes), fitsUtf8(text, bytes - 1)]).toEqual([true, false]);
      }),
    );
  });
});
