import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { startServer } from './test-kit.ts';

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
