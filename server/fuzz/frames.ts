/** Frames that fast-check makes up: valid, nearly valid, and none at all. */
import fc from 'fast-check';
import { encodeBinary } from '../../src/protocol/codec.ts';

const helloPayload = {
  versions: [1],
  features: ['batch', 'chunks'],
  clientId: 'c',
  clientEpoch: 1,
  acked: 0,
  window: 5,
  auth: 'none',
};

/** The hello that a well-meaning client begins with. */
export const helloFrame = (clientId = 'c', clientEpoch = 1): string =>
  JSON.stringify({ type: 'hello', id: 'h', ts: 1, payload: { ...helloPayload, clientId, clientEpoch } });

const name = fc.constantFrom('a', 'b', '__proto__', 'x'.repeat(300), '', '\0');
const number = fc.oneof(fc.integer({ min: -1, max: 8 }), fc.constantFrom(2 ** 53, 1e308, 0.5));
const envelope = fc.record(
  {
    type: fc.constantFrom(
      'hello',
      'auth',
      'subscribe',
      'unsubscribe',
      'publish',
      'request',
      'cancel',
      'received',
      'offer',
      'chunk',
      'abandon',
      'chunk-ack',
      'ping',
      'pong',
      'ack',
      'welcome',
    ),
    id: name,
    ts: number,
    topic: name,
    seq: number,
    re: name,
    count: number,
    method: name,
    timeoutMs: number,
    replay: number,
    resume: fc.record({
      epoch: name,
      offset: number,
      partial: fc.record({ offset: number, received: number }),
    }),
    transfer: fc.oneof(name, fc.record({ id: name, size: number, form: name })),
    size: number,
    at: number,
    received: number,
    payload: fc.oneof(fc.jsonValue(), fc.constant({ token: 'x' }), fc.constant(helloPayload)),
  },
  { requiredKeys: ['type'] },
);
const valid = fc.record({
  type: fc.constantFrom(
    'subscribe',
    'unsubscribe',
    'publish',
    'request',
    'cancel',
    'received',
    'offer',
    'abandon',
    'chunk-ack',
    'ping',
    'pong',
  ),
  id: fc.uuid(),
  ts: fc.nat(),
  topic: fc.constantFrom('a', 'b'),
  seq: fc.integer({ min: 1, max: 6 }),
  re: fc.constantFrom('a', 'b'),
  count: fc.constantFrom(0, 1),
  method: fc.constantFrom('echo', 'toString'),
  timeoutMs: fc.nat(),
  payload: fc.jsonValue(),
  transfer: fc.constantFrom('a', 'b'),
  size: fc.constantFrom(0, 1, 70_000, 2 ** 53 - 1),
  received: fc.constantFrom(0, 1, 65_536),
});
/** A publish of a transfer, and its chunks. */
const ofTransfer = fc.record({
  type: fc.constantFrom('publish', 'subscribe'),
  id: fc.uuid(),
  ts: fc.nat(),
  topic: fc.constantFrom('a', 'b'),
  seq: fc.integer({ min: 1, max: 6 }),
  payload: fc.constant(null),
  transfer: fc.record({
    id: fc.constantFrom('a', 'b'),
    size: fc.constantFrom(0, 1, 70_000),
    form: fc.constantFrom('json', 'bytes', 'blob'),
  }),
  replay: fc.constantFrom(0, 5),
  resume: fc.constantFrom(undefined, { epoch: 'id', offset: 0, partial: { offset: 1, received: 1 } }),
});
const chunk = fc
  .record({
    transfer: fc.constantFrom('a', 'b'),
    at: fc.constantFrom(0, 1, 65_536),
    length: fc.constantFrom(0, 1, 4464, 65_536),
  })
  .map(({ transfer, at, length }) =>
    encodeBinary({ type: 'chunk', id: 'k', ts: 1, transfer, at }, new Uint8Array(length)),
  );
const text = fc.oneof(
  fc.string(),
  envelope.map((value) => JSON.stringify(value)),
  fc.array(fc.oneof(envelope, valid), { maxLength: 5 }).map((value) => JSON.stringify(value)),
  {
    weight: 4,
    arbitrary: fc
      .array(fc.oneof(valid, ofTransfer), { minLength: 1, maxLength: 8 })
      .map((value) => JSON.stringify(value)),
  },
);
const mutated = fc
  .tuple(text, fc.nat(), fc.string({ maxLength: 3 }))
  .map(
    ([frame, at, by]) =>
      frame.slice(0, at % (frame.length + 1)) + by + frame.slice((at % (frame.length + 1)) + 1),
  );
const binary = fc
  .tuple(fc.oneof(text, mutated), fc.uint8Array({ maxLength: 20 }), fc.nat({ max: 300 }))
  .map(([header, bytes, length]) => {
    const head = Buffer.from(header);
    const size = Buffer.alloc(5);
    size[0] = 1;
    size.writeUInt32BE(length % 3 === 0 ? length : head.length, 1);
    return new Uint8Array(Buffer.concat([size, head, bytes]));
  });
/** Any of them, as a session gets it. */
export const frame: fc.Arbitrary<string | Uint8Array> = fc.oneof(
  text,
  mutated,
  binary,
  chunk,
  fc.uint8Array({ maxLength: 40 }),
);
