import fc from 'fast-check';
import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { encodeBinary } from '../src/protocol/codec.ts';
import { createContext } from './context.ts';
import { Session } from './session.ts';
import { recordingLogger, startServer } from './test-kit.ts';
import type { Transport } from './transport.ts';
import { VirtualClock } from './virtual-clock.ts';

describe('a malformed frame', () => {
  it.each<[string, string | Uint8Array, RegExp]>([
    ['no JSON', 'garbage', /JSON/],
    ['nothing', '', /JSON/],
    ['a number', '1', /envelope/],
    ['an empty batch', '[]', /batch/],
    ['a huge batch', JSON.stringify(Array(1025).fill({ type: 'ping', id: '1', ts: 1 })), /batch/],
    ['an unknown type', '{"type":"pwn","id":"1","ts":1}', /pwn/],
    ['an inherited type', '{"type":"toString","id":"1","ts":1}', /toString/],
    ['a missing field', '{"type":"publish","id":"1","ts":1,"topic":"t","seq":1}', /payload/],
    ['a wrong field', '{"type":"publish","id":"1","ts":1,"topic":"t","seq":-1,"payload":1}', /seq/],
    ['a nested array', '[[1]]', /envelope/],
    ['random bytes', new Uint8Array([9, 9, 9]), /binary/],
    ['a wrong header length', new Uint8Array([1, 255, 255, 255, 255, 0]), /binary/],
    ['a binary ping', new Uint8Array([1, 0, 0, 0, 15, ...Buffer.from('{"type":"ping"}')]), /binary/],
  ])('with %s is closed 4400 with the reason', async (_case, frame, reason) => {
    await using running = await startServer();
    const client = await running.client({ hello: {} });
    client.socket.send(frame);
    const closed = await client.closed;
    expect(closed.code).toBe(4400);
    expect(closed.reason).toMatch(reason);
    expect(running.server.stats().malformed).toBe(1);
  });

  it('has a reason that a close frame can hold', async () => {
    await using running = await startServer();
    const client = await running.client({ hello: {} });
    client.send({ type: '\u{1F600}'.repeat(100) });
    const { code, reason } = await client.closed;
    expect(code).toBe(4400);
    expect(Buffer.byteLength(reason)).toBeLessThanOrEqual(123);
    expect(reason).not.toContain('\uFFFD');
  });

  it('is refused as a whole', async () => {
    await using running = await startServer();
    const client = await running.client({ hello: {} });
    await client.publish('t', 1);
    client.send({ type: 'publish', topic: 't', seq: 2, payload: 0 }, { type: 'nonsense' });
    expect((await client.closed).code).toBe(4400);
    expect(running.server.stats().accepted).toBe(1);
  });
});

describe('a frame above the maximum size', () => {
  it('is closed 1009', async () => {
    await using running = await startServer({ limits: { maxFrameBytes: 1000 } });
    const client = await running.client({ hello: {} });
    client.send({ type: 'publish', topic: 't', seq: 1, payload: 'x'.repeat(2000) });
    expect((await client.closed).code).toBe(1009);
    const other = await running.client({ hello: {} });
    await other.publish('t', 1);
  });
});

describe('a peer that breaks the framing', () => {
  it('is closed, and disturbs nobody else', async () => {
    await using running = await startServer();
    const socket = connect(running.port, '127.0.0.1');
    const ended = new Promise((resolve) => socket.on('close', resolve));
    socket.on('error', () => undefined);
    socket.write(
      'GET /realtime HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
        'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: onesocket.v1\r\n\r\n',
    );
    socket.once('data', () => socket.write(Buffer.from([0xff, 0xff, 0x01, 0x02, 0x03])));
    socket.on('data', () => undefined);
    await ended;
    const client = await running.client({ hello: {} });
    await client.roundTrip();
    await expect.poll(() => running.server.stats().connections).toBe(1);
  });
});

const helloFrame = JSON.stringify({
  type: 'hello',
  id: 'h',
  ts: 1,
  payload: {
    versions: [1],
    features: ['batch', 'chunks'],
    clientId: 'c',
    clientEpoch: 1,
    acked: 0,
    window: 5,
    auth: 'none',
  },
});

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
    payload: fc.oneof(
      fc.jsonValue(),
      fc.constant({ token: 'x' }),
      fc.constant(JSON.parse(helloFrame).payload),
    ),
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
const frame = fc.oneof(text, mutated, binary, chunk, fc.uint8Array({ maxLength: 40 }));

describe('a session', () => {
  it('survives random and mutated frames, and leaves nothing behind', () => {
    const run = (frames: (string | Uint8Array)[], startsWell: boolean) => {
      const clock = new VirtualClock();
      const logger = recordingLogger();
      const closes: number[] = [];
      const transport: Transport = {
        bufferedAmount: 0,
        sendText: () => undefined,
        sendBinary: () => undefined,
        ping: () => undefined,
        pause: () => undefined,
        resume: () => undefined,
        close: (code) => void closes.push(code),
        terminate: () => undefined,
      };
      const context = createContext(
        { logger, requests: { echo: (input) => input } },
        { clock, randomId: () => 'id' },
      );
      const session = new Session(context, transport, { headers: {}, remoteAddress: undefined, url: '/' });
      if (startsWell) session.frame(helloFrame);
      for (const data of frames) {
        session.frame(data);
        clock.advance(1);
      }
      session.closed();
      clock.advance(1);
      expect(closes.length).toBeLessThanOrEqual(1);
      for (const code of closes) expect([4400, 4405, 4406, 4409, 4410, 4429]).toContain(code);
      expect(logger.lines.filter((line) => line.startsWith('error'))).toEqual([]);
      expect(clock.pending).toBe(0);
      expect(context.stats).toMatchObject({ subscriptions: 0, topics: 0 });
      // What has come of a transfer is kept for a while.
      expect(context.stats.transferBytes).toBeLessThan(4 * (70_000 + 1024));
      expect(context.sessions.size).toBe(0);
    };
    fc.assert(fc.property(fc.array(frame, { maxLength: 12 }), fc.boolean(), run), { numRuns: 4000 });
  }, 60_000);

  it('in a real server survives a sample of them', async () => {
    await using running = await startServer({ limits: { strikes: 1e6 } });
    for (const frames of fc.sample(fc.array(frame, { minLength: 1, maxLength: 6 }), 60)) {
      const client = await running.client({ hello: {} });
      for (const data of frames) client.socket.send(data);
      client.socket.close();
      await client.closed;
    }
    const client = await running.client({ hello: { clientId: 'after' } });
    await client.publish('after', 1);
    expect(running.logger.lines.filter((line) => line.startsWith('error'))).toEqual([]);
  });
});
