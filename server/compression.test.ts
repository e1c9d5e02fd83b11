import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { deflateRawSync } from 'node:zlib';
import { WebSocket } from 'ws';
import { describe, expect, it } from 'vitest';
import { createServer } from './create-server.ts';
import { startServer } from './test-kit.ts';

const mib = 1024 * 1024;

describe('compression', () => {
  it('is off unless the app asks for it', async () => {
    await using running = await startServer();
    expect((await running.client()).socket.extensions).toBe('');
  });

  it('keeps no context between messages, in either direction', async () => {
    await using running = await startServer({ compression: {} });
    const { socket, answer } = await shakeHands(running.port);
    socket.destroy();
    expect(answer).toMatch(/permessage-deflate; .*server_no_context_takeover/);
    expect(answer).toMatch(/permessage-deflate; .*client_no_context_takeover/);
  });

  it('makes large messages small, and leaves those below the threshold alone', async () => {
    await using running = await startServer({ compression: { thresholdBytes: 10_000 } });
    const client = await running.client({ hello: {} });
    const tcp = (client.socket as unknown as { readonly _socket: Socket })._socket;
    const bytesOf = async (seq: number, payload: string) => {
      const before = tcp.bytesRead;
      await running.server.publish('t', payload);
      expect((await client.one('message', seq)).payload).toBe(payload);
      return tcp.bytesRead - before;
    };
    await client.subscribe('t');
    expect(await bytesOf(0, 'x'.repeat(9_000))).toBeGreaterThan(9_000);
    expect(await bytesOf(1, 'x'.repeat(40_000))).toBeLessThan(1_000);
    // Messages are the same bytes for all receivers: each is compressed from them anew.
    expect(await bytesOf(2, 'y'.repeat(40_000))).toBeLessThan(1_000);
  });

  it('works in the other direction, too, and counts bytes as inflated', async () => {
    await using running = await startServer({
      compression: {},
      limits: { bytesPerSecond: 1e7, byteBurst: 10_000 },
    });
    const client = await running.client({ hello: {} });
    client.send({ type: 'publish', topic: 't', seq: 1, payload: 'x'.repeat(50_000) });
    await client.until(() => client.all('ack').length > 0);
    expect(running.server.stats().limitsHit.bytes).toBe(1);
  });

  it.each([
    [{ thresholdBytes: 0 }, 'compression.thresholdBytes'],
    [{ level: 10 }, 'compression.level'],
    [{ window: 1 }, 'unknown option compression.window'],
    [true, 'compression must be an object'],
  ])('cannot be %j', (compression, message) => {
    expect(() => createServer({ compression } as never)).toThrow(message);
  });
});

describe('a compression bomb', () => {
  /** A server in a process of its own, so that only its memory counts. */
  async function startChild(): Promise<{ child: ChildProcess; port: number; rss: () => Promise<number> }> {
    const program = fileURLToPath(new URL('memory-server.ts', import.meta.url));
    const child = fork(program, [JSON.stringify({ compression: {}, limits: { strikes: 1e6 } })], {
      execArgv: ['--import', 'tsx', '--expose-gc'],
    });
    const [port] = (await once(child, 'message')) as [number];
    const rss = async () => {
      child.send('rss');
      return ((await once(child, 'message')) as [number])[0];
    };
    return { child, port, rss };
  }

  it('is closed 1009, and costs no more memory than a frame may', async () => {
    const { child, port, rss } = await startChild();
    try {
      // 512 MiB of zeros in half a megabyte: a thousand times what goes over the wire.
      const bomb = deflateRawSync(Buffer.alloc(512 * mib), { level: 9 });
      expect(bomb.byteLength).toBeLessThan(mib);
      const before = await rss();
      for (let n = 0; n < 5; n++) expect(await explode(port, bomb)).toBe(1009);
      // Twice the whole of the bomb would be 1 GiB; what zlib, the sockets and the collector take is far below this.
      expect((await rss()) - before).toBeLessThan(64 * mib);
    } finally {
      child.kill();
    }
  }, 30_000);

  it('is counted and logged like every other frame that is too large', async () => {
    await using running = await startServer({ compression: {} });
    expect(await explode(running.port, deflateRawSync(Buffer.alloc(2 * mib)))).toBe(1009);
    await expect.poll(() => running.server.stats().limitsHit['frame-bytes'], { timeout: 4000 }).toBe(1);
  });

  it('that is no valid stream is closed 1007', async () => {
    await using running = await startServer({ compression: {} });
    expect(await explode(running.port, Buffer.alloc(1000, 0xff))).toBe(1007);
  });
});

/** Upgrades by hand. */
async function shakeHands(port: number): Promise<{ readonly socket: Socket; readonly answer: string }> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  socket.write(
    'GET /realtime HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
      'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n' +
      'Sec-WebSocket-Protocol: onesocket.v1\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n',
  );
  const [answer] = (await once(socket, 'data')) as [Buffer];
  return { socket, answer: answer.toString() };
}

/** Sends one compressed message by hand, and resolves with the code of the close that it gets. */
async function explode(port: number, compressed: Buffer): Promise<number> {
  const { socket } = await shakeHands(port);
  const head = Buffer.alloc(14);
  // FIN, RSV1 (compressed) and text; masked, with a mask of zeros and a length of 64 bits (RFC 6455, section 5.2).
  head.writeUInt8(0xc1, 0);
  head.writeUInt8(0xff, 1);
  head.writeBigUInt64BE(BigInt(compressed.byteLength), 2);
  socket.write(head);
  socket.write(compressed);
  const [close] = (await once(socket, 'data')) as [Buffer];
  socket.destroy();
  return close.readUInt16BE(2);
}

it('a message in very many fragments is closed 1008', async () => {
  await using running = await startServer();
  const client = await running.client({ hello: {} });
  for (let n = 0; n < 20_000 && client.socket.readyState === WebSocket.OPEN; n++)
    client.socket.send('x', { fin: false });
  expect((await client.closed).code).toBe(1008);
});
