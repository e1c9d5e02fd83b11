import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodePayload, encodePayload } from './payload.ts';

describe('a payload', () => {
  it('makes the round trip as any JSON value', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(decodePayload(encodePayload(value))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  it('makes the round trip as bytes, as a copy', () => {
    const bytes = new Uint8Array([1, 2, 3]);
    const encoded = encodePayload(bytes.buffer);
    bytes[0] = 9;
    expect([...new Uint8Array(decodePayload(encoded) as ArrayBuffer)]).toEqual([1, 2, 3]);
  });

  it.each([
    new Uint8Array([0, 1, 2, 3]).subarray(1, 3),
    new DataView(new Uint8Array([0, 1, 2]).buffer, 1, 2),
  ])('is the part of the buffer that a view shows', (view) => {
    expect([...new Uint8Array(decodePayload(encodePayload(view)) as ArrayBuffer)]).toEqual([1, 2]);
  });

  it('is what toJSON gives', () => {
    expect(encodePayload({ at: new Date(0) })).toEqual({ json: '{"at":"1970-01-01T00:00:00.000Z"}' });
  });

  const circular: { self?: unknown } = {};
  circular.self = circular;

  it.each([
    ['undefined', undefined],
    ['a function', () => {}],
    ['a symbol', Symbol('x')],
    ['a bigint', 1n],
    ['a bigint inside', { a: 1n }],
    ['a circle', circular],
    ['nesting too deep', JSON.parse('['.repeat(50_000) + ']'.repeat(50_000))],
  ])('is refused as %s', (_, value) => {
    expect(() => encodePayload(value)).toThrow(expect.objectContaining({ code: 'invalid-payload' }));
  });

  it('that is not there decodes to undefined', () => {
    expect(decodePayload({})).toBeUndefined();
  });
});
