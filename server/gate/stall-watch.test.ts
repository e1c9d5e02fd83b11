import { once } from 'node:events';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { AddressInfo } from 'node:net';
import { WebSocket, WebSocketServer } from 'ws';
import { describe, expect, it, vi } from 'vitest';
import { slowProxy } from '../slow-proxy.ts';
import { startServer, TestClient } from '../test-kit.ts';
import { VirtualClock } from '../virtual-clock.ts';
import { unwrittenBytes } from '../ws-transport.ts';
import { StallWatch } from './stall-watch.ts';

vi.setConfig({ testTimeout: 30_000 });

const payload = 'x'.repeat(50_000);

describe('a peer that says that it lives, and reads nothing', () => {
  it('costs its window at most, and is ended', async () => {
    const limits = { stallTimeoutMs: 300, closeTimeoutMs: 50, bufferedBytes: 100_000, historyBytes: 1e6 };
    await using running = await startServer({ limits });
    const client = await running.client({ hello: {} });
    const { epoch } = await client.subscribe('t');
    client.socket.pause();
    // More than the buffers of the operating system take, by far.
    for (let n = 0; n < 600; n++) {
      await running.server.publish('t', payload);
      await nextTurn();
    }
    client.send({ type: 'ping' });
    await expect.poll(() => running.server.stats().connections, { timeout: 20_000 }).toBe(0);
    const { limitsHit, delivered } = running.server.stats();
    expect(limitsHit.stall).toBe(1);
    expect(delivered).toBeLessThan(500);
    expect(running.logger.lines.some((line) => line.includes('"limit":"stall"'))).toBe(true);
    // What it missed is told when it comes back.
    const again = await running.client({ hello: {} });
    await again.subscribe('t', { resume: { epoch, offset: 0 } });
    expect((await again.one('gap')).payload.reason).toBe('history');
  });

  it('is left alone while it reads slowly', async () => {
    await using running = await startServer({ limits: { stallTimeoutMs: 5000, bufferedBytes: 100_000 } });
    await using proxy = await slowProxy(running.port);
    const client = await TestClient.connect(proxy.port, { hello: {} });
    await client.subscribe('t');
    for (let n = 0; n < 200; n++) await running.server.publish('t', payload);
    await client.some('message', 200);
    expect(running.server.stats().limitsHit.stall).toBe(0);
    client.socket.terminate();
  });
});

describe('a stall watch', () => {
  const watched = () => {
    const clock = new VirtualClock();
    const seen = { waiting: 1, unwritten: 1000, stalled: 0 };
    const watch = new StallWatch({
      clock,
      timeoutMs: 30_000,
      isWaiting: () => seen.waiting > 0,
      unwritten: () => seen.unwritten,
      stalled: () => void seen.stalled++,
    });
    return { clock, seen, watch };
  };

  it('has no timer where nothing waits', () => {
    const { clock, seen, watch } = watched();
    seen.waiting = 0;
    watch.sent();
    expect(clock.pending).toBe(0);
  });

  it('finds nothing where it is taken in time, and stops', () => {
    const { clock, seen, watch } = watched();
    watch.sent();
    seen.waiting = 0;
    clock.advance(100_000);
    expect([seen.stalled, clock.pending]).toEqual([0, 0]);
  });

  it('lets a write be as late as it likes while it gets smaller', () => {
    const { clock, seen, watch } = watched();
    watch.sent();
    for (let n = 0; n < 10; n++) {
      clock.advance(29_000);
      seen.unwritten -= 10;
    }
    expect(seen.stalled).toBe(0);
    clock.advance(60_000);
    expect(seen.stalled).toBe(1);
    expect(clock.pending).toBe(0);
  });

  it('waits anew after each write that is done', () => {
    const { clock, seen, watch } = watched();
    watch.sent();
    clock.advance(29_000);
    watch.progressed();
    clock.advance(30_000);
    expect(seen.stalled).toBe(0);
    clock.advance(30_000);
    expect(seen.stalled).toBe(1);
  });

  it('ends with its connection', () => {
    const { clock, watch } = watched();
    watch.sent();
    watch.end();
    expect(clock.pending).toBe(0);
  });
});

it('sees a write of Node get smaller while its peer reads, before it is done', async () => {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  await once(server, 'listening');
  const accepted = once(server, 'connection') as Promise<[WebSocket]>;
  const client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const [socket] = await accepted;
  await once(client, 'open');
  client.pause();
  let isDone = false;
  socket.send(Buffer.alloc(64 * 1024 * 1024), () => (isDone = true));
  const before = unwrittenBytes(socket);
  expect(before).toBeGreaterThan(0);
  client.resume();
  await expect
    .poll(() => isDone || unwrittenBytes(socket) < before, { interval: 1, timeout: 10_000 })
    .toBe(true);
  expect(isDone).toBe(false);
  client.terminate();
  socket.terminate();
  server.close();
});
