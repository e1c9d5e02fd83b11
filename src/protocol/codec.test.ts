import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeClientFrame, decodeServerFrame, encodeBinary, encodeEnvelope, type Decoded } from './codec.ts';
import type { Field, Fields } from './field.ts';
import * as protocolLimits from './limits.ts';
import type { Outgoing } from './outgoing.ts';
import { clientSchema } from './client-schema.ts';
import { common } from './common-fields.ts';
import { serverSchema } from './server-schema.ts';

type Frame = string | Uint8Array;
type Decode = (data: Frame) => Decoded<unknown>;
type Head = Record<string, unknown>;

/** A schema with the fields that every envelope has. */
const whole = (schema: { readonly [type: string]: Fields }): { readonly [type: string]: Fields } =>
  Object.fromEntries(Object.entries(schema).map(([type, fields]) => [type, { ...common, ...fields }]));

const sides: readonly { side: string; schema: Record<string, Fields>; decode: Decode }[] = [
  { side: 'client', schema: whole(clientSchema), decode: decodeClientFrame },
  { side: 'server', schema: whole(serverSchema), decode: decodeServerFrame },
];

const types = sides.flatMap((each) => Object.keys(each.schema).map((type) => ({ ...each, type })));
const typesWithPayload = types.filter(({ schema, type }) => schema[type]!['payload']?.kind === 'json');
const typesWithoutPayload = types.filter(({ schema, type }) => schema[type]!['payload']?.kind !== 'json');

/** Any value that the field takes, as JSON gives it. */
function valueOf(field: Field): fc.Arbitrary<unknown> {
  switch (field.kind) {
    case 'string':
      return fc.string({ minLength: 1, maxLength: Math.min(field.max, 20), unit: 'grapheme' }).map(
        // Graphemes have many code units.
        (text) => text.slice(0, field.max),
      );
    case 'uint':
      return fc.nat({ max: field.max });
    case 'boolean':
      return fc.boolean();
    case 'json':
      return fc.jsonValue().map((value) => JSON.parse(JSON.stringify(value)) as unknown);
    case 'enum':
      return fc.constantFrom(...field.values);
    case 'list':
      return fc.array(valueOf(field.of), { maxLength: Math.min(field.max, 5) });
    case 'object':
      return recordOf(field.fields);
    case 'optional':
      return valueOf(field.of);
    default:
      return field satisfies never;
  }
}

function recordOf(fields: Fields): fc.Arbitrary<Head> {
  const names = Object.keys(fields);
  const values = Object.fromEntries(names.map((name) => [name, valueOf(fields[name]!)]));
  const requiredKeys = names.filter((name) => fields[name]!.kind !== 'optional');
  return fc.record(values, { requiredKeys, noNullPrototype: true });
}

const envelopeOf = (schema: Record<string, Fields>, type: string): fc.Arbitrary<Head> =>
  recordOf(schema[type]!).map((fields) => ({ type, ...fields }));

const encode = (head: Head) => encodeEnvelope({ head } as unknown as Outgoing);

describe.each(types)('an envelope of type $type from the $side', ({ schema, type, decode }) => {
  it('makes the round trip as text', () => {
    fc.assert(
      fc.property(envelopeOf(schema, type), (envelope) => {
        expect(decode(encode(envelope))).toEqual({ envelopes: [envelope] });
      }),
    );
  });

  it('makes the round trip in a batch, in its place', () => {
    fc.assert(
      fc.property(fc.array(envelopeOf(schema, type), { minLength: 1, maxLength: 5 }), (envelopes) => {
        expect(decode(`[${envelopes.map(encode).join(',')}]`)).toEqual({ envelopes });
      }),
    );
  });

  it('is refused without any one of its required fields, by name', () => {
    const [envelope] = fc.sample(envelopeOf(schema, type), 1);
    for (const [name, field] of Object.entries(schema[type]!)) {
      const { [name]: _, ...others } = envelope!;
      const decoded = decode(JSON.stringify(others));
      const isRequired = field.kind !== 'optional';
      const violation: unknown = expect.stringContaining(`${type}.${name} `);
      expect(decoded).toEqual(isRequired ? { violation } : { envelopes: [others] });
    }
  });

  it('is refused for the fields of every envelope first', () => {
    const [envelope] = fc.sample(envelopeOf(schema, type), 1);
    const own = Object.keys(schema[type]!).filter((name) => !(name in common));
    const broken = { ...envelope, ...Object.fromEntries(own.map((name) => [name, null])) };
    for (const [name, bad] of [
      ['id', ''],
      ['id', 1],
      ['id', 'x'.repeat(protocolLimits.idLength + 1)],
      ['ts', -1],
      ['ts', 0.5],
      ['ts', '1'],
    ] as const) {
      const violation: unknown = expect.stringContaining(`${type}.${name} `);
      expect(decode(JSON.stringify({ ...broken, [name]: bad }))).toEqual({ violation });
    }
  });

  it('keeps unknown fields, which a later version may have', () => {
    const [envelope] = fc.sample(envelopeOf(schema, type), 1);
    const later = { ...envelope, addedLater: { a: 1 } };
    expect(decode(JSON.stringify(later))).toEqual({ envelopes: [later] });
  });
});

describe.each(typesWithPayload)('a payload of $type from the $side', ({ schema, type, decode }) => {
  it('may be JSON text already', () => {
    fc.assert(
      fc.property(envelopeOf(schema, type), (envelope) => {
        const { payload, ...head } = envelope;
        const text = encodeEnvelope({ head, json: JSON.stringify(payload) } as unknown as Outgoing);
        expect(decode(text)).toEqual({ envelopes: [envelope] });
      }),
    );
  });

  it('makes the round trip as bytes', () => {
    fc.assert(
      fc.property(envelopeOf(schema, type), fc.uint8Array(), fc.nat(3), (envelope, bytes, padding) => {
        const { payload: _, ...head } = envelope;
        const frame = encodeBinary(head, padding === 0 ? bytes.slice().buffer : bytes);
        // A frame that a WebSocket hands over may be a view into a larger buffer.
        const within = new Uint8Array(frame.byteLength + padding);
        within.set(frame, padding);
        const decoded = decode(within.subarray(padding)) as { envelopes: Head[] };
        expect(decoded).toEqual({ envelopes: [{ ...head, payload: expect.any(Uint8Array) }] });
        expect([...(decoded.envelopes[0]!['payload'] as Uint8Array)]).toEqual([...bytes]);
      }),
    );
  });
});

const noPrefix = { violation: 'the binary frame has no valid prefix' };
const noBytes = { violation: 'the binary header is not an envelope that can carry bytes' };

describe.each(typesWithoutPayload)('a binary frame of type $type from the $side', (row) => {
  it('is refused', () => {
    const [envelope] = fc.sample(envelopeOf(row.schema, row.type), 1);
    expect(row.decode(encodeBinary(envelope!, new Uint8Array(1)))).toEqual(noBytes);
  });
});

const ping = '{"type":"ping","id":"p1","ts":1}';

describe.each(sides)('a text frame from the $side', ({ decode }) => {
  it.each(['', '{', 'ping', '[', '{"type":"ping",}', '\u0000', 'undefined'])('is refused as %j', (text) => {
    expect(decode(text)).toEqual({ violation: 'the frame is not JSON' });
  });

  it.each(['null', '1', '"ping"', 'true', '[[]]', '[null]', `[${ping},1]`])(
    'is refused as %s, which holds no object',
    (text) => {
      expect(decode(text)).toEqual({ violation: 'an envelope must be an object' });
    },
  );

  it('has from 1 to 1024 envelopes', () => {
    const { batchEnvelopes } = protocolLimits;
    const says = { violation: `a batch has 1 to ${batchEnvelopes} envelopes` };
    const batch = (length: number) => `[${Array.from({ length }, () => ping).join(',')}]`;
    expect(decode('[]')).toEqual(says);
    expect(decode(batch(batchEnvelopes + 1))).toEqual(says);
    expect(decode(batch(batchEnvelopes))).toMatchObject({ envelopes: { length: batchEnvelopes } });
  });

  it('is refused as a whole for one bad envelope', () => {
    expect(decode(`[${ping},{"type":"ping","id":"","ts":1}]`)).toEqual({
      violation: 'ping.id must be a string of 1 to 64 characters',
    });
  });

  it.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'valueOf', '', 'Ping', 'type'])(
    'knows no type %j',
    (type) => {
      const decoded = decode(JSON.stringify({ type, id: 'p1', ts: 1 }));
      expect(decoded).toEqual({ violation: `unknown envelope type ${JSON.stringify(type)}` });
    },
  );

  it.each([{}, { type: null }, { type: 1 }, { type: {} }, { type: ['ping'] }])(
    'knows no type in %j',
    (envelope) => {
      expect(decode(JSON.stringify({ id: 'p1', ts: 1, ...envelope }))).toEqual({
        violation: expect.stringMatching(/^unknown envelope type/),
      });
    },
  );

  it('quotes little of a type that is long', () => {
    const decoded = decode(JSON.stringify({ type: 'x'.repeat(1e6) })) as { violation: string };
    expect(decoded.violation.length).toBeLessThan(200);
  });

  it('cannot pollute a prototype', () => {
    decode('{"type":"ping","id":"p1","ts":1,"__proto__":{"polluted":true}}');
    expect('polluted' in {}).toBe(false);
  });

  it('never throws for a type that is nested too deeply to be written again', () => {
    const type = '['.repeat(50_000) + ']'.repeat(50_000);
    expect(decode(`{"type":${type}}`)).toEqual({ violation: expect.any(String) });
  });
});

/** A binary frame with this header text, and a claim about its length. */
function binary(header: string | Uint8Array, claimed?: number, magic = 1): Uint8Array {
  const bytes = typeof header === 'string' ? new TextEncoder().encode(header) : header;
  const frame = new Uint8Array(5 + bytes.byteLength);
  frame[0] = magic;
  new DataView(frame.buffer).setUint32(1, claimed ?? bytes.byteLength);
  frame.set(bytes, 5);
  return frame;
}

describe.each(sides)('a binary frame from the $side', ({ decode }) => {
  it.each([
    ['nothing in it', new Uint8Array()],
    ['less than a prefix', binary('').subarray(0, 4)],
    ['another magic byte', binary('{}', 2, 2)],
  ])('is refused with %s', (_, frame) => {
    expect(decode(frame)).toEqual(noPrefix);
  });

  it.each([
    ['longer than the frame', binary('{}', 3)],
    ['as long as can be', binary('{}', 0xffff_ffff)],
    ['above the limit', binary(' '.repeat(protocolLimits.binaryHeaderBytes + 1))],
  ])('is refused with a header %s', (_, frame) => {
    expect(decode(frame)).toEqual(noPrefix);
  });

  it.each([
    ['no JSON', binary('')],
    ['broken JSON', binary('{')],
    ['bytes that are not UTF-8', binary(new Uint8Array([0x22, 0xff, 0x22]))],
  ])('is refused with %s in its header', (_, frame) => {
    expect(decode(frame)).toEqual(noBytes);
  });

  it.each(['null', '1', '[]', '"x"'])('is refused with the header %s', (header) => {
    expect(decode(binary(header))).toEqual(noBytes);
  });

  it.each(['{}', '{"type":"__proto__"}', '{"type":"constructor"}', '{"type":null}', '{"type":1}'])(
    'is refused with a type that carries no bytes: %s',
    (header) => {
      expect(decode(binary(header))).toEqual(noBytes);
    },
  );

  it('never throws for a type that has no text', () => {
    expect(decode(binary('{"type":{"toString":1,"valueOf":1}}'))).toEqual({ violation: expect.any(String) });
  });

  it('takes a header of exactly the limit', () => {
    const type = decode === decodeClientFrame ? 'publish' : 'message';
    const head = { type, id: '1', ts: 1, topic: 't', seq: 1, epoch: 'e', offset: 1 };
    const header = JSON.stringify(head).padEnd(protocolLimits.binaryHeaderBytes);
    expect(decode(binary(header))).toEqual({ envelopes: [{ ...head, payload: new Uint8Array() }] });
  });
});

describe.each(sides)('garbage from the $side', ({ schema, decode }) => {
  const isDecoded = (data: Frame) => {
    const decoded = decode(data);
    if ('violation' in decoded) expect(decoded.violation).not.toBe('');
    else expect(decoded.envelopes.length).toBeGreaterThan(0);
  };

  it('as text gives envelopes or a violation', () => {
    const almost = fc
      .record({ type: fc.constantFrom(...Object.keys(schema)), id: fc.string(), ts: fc.anything() })
      .map((envelope) => JSON.stringify(envelope, (_, value: unknown) => (isPlain(value) ? value : null)));
    fc.assert(fc.property(fc.oneof(fc.string(), fc.json(), almost), isDecoded), { numRuns: 500 });
  });

  it('as bytes gives envelopes or a violation', () => {
    const withHeader = fc.oneof(fc.json(), fc.string()).map((header) => binary(header));
    const cut = fc.tuple(withHeader, fc.nat(20)).map(([frame, length]) => frame.subarray(0, length));
    fc.assert(fc.property(fc.oneof(fc.uint8Array(), withHeader, cut), isDecoded), { numRuns: 500 });
  });
});

const isPlain = (value: unknown) =>
  typeof value !== 'bigint' && typeof value !== 'symbol' && typeof value !== 'function';
