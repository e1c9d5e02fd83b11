import { connect } from 'node:net';
import { describe, expect, it, vi } from 'vitest';
import { createContext } from '../context.ts';
import { recordingLogger, startServer } from '../test-kit.ts';
import { VirtualClock } from '../virtual-clock.ts';
import { knock } from './knock.ts';

vi.setConfig({ testTimeout: 30_000 });

const from = (address: string) => ({ headers: { 'x-forwarded-for': address } });
const trustedProxies = ['127.0.0.1'];

describe('a client that keeps violating', () => {
  it('is refused 403 with the time that its ban lasts, and others are not', async () => {
    await using running = await startServer({ trustedProxies, limits: { banMs: 1_000_000 } });
    for (let n = 0; n < 5; n++) {
      const client = await running.client({ ...from('203.0.113.1'), hello: {} });
      client.socket.send('garbage');
      expect((await client.closed).code).toBe(4400);
    }
    const { status, retryAfter } = await knock(running.port, '203.0.113.1');
    expect(status).toBe(403);
    expect(retryAfter).toBeGreaterThan(900);
    expect(retryAfter).toBeLessThanOrEqual(1000);
    expect((await knock(running.port, '203.0.113.2')).status).toBe(101);
    expect(running.server.stats().limitsHit).toMatchObject({ strikes: 1, banned: 1 });
    expect(running.logger.lines.join()).toMatch(/"limit":"strikes","kind":"address","value":"203.0.113.1"/);
    expect(running.logger.lines.join()).not.toContain('garbage');
  });

  it('comes back when the ban is over', async () => {
    await using running = await startServer({ limits: { strikes: 1, banMs: 50 } });
    const client = await running.client({ hello: {} });
    client.socket.send('garbage');
    await client.closed;
    expect(running.server.stats().limitsHit.strikes).toBe(1);
    await expect.poll(async () => (await knock(running.port)).status, { timeout: 10_000 }).toBe(101);
  });

  it('is banned by its /64 with IPv6', async () => {
    await using running = await startServer({ trustedProxies, limits: { strikes: 1 } });
    const client = await running.client(from('2001:db8::1'));
    client.socket.send('garbage');
    await client.closed;
    expect((await knock(running.port, '2001:db8::ffff')).status).toBe(403);
    expect((await knock(running.port, '2001:db8:0:1::1')).status).toBe(101);
  });

  it('is banned by its identity as well, from wherever it comes', async () => {
    await using running = await startServer({
      trustedProxies,
      authenticate: ({ token }) => ({ identity: token }),
      limits: { strikes: 4 },
    });
    const spare = await running.client({
      ...from('203.0.113.9'),
      hello: { token: 'eve', clientId: 'spare' },
    });
    for (const last of [1, 2]) {
      const client = await running.client({ ...from(`203.0.113.${last}`), hello: { token: 'eve' } });
      client.socket.send('garbage');
      await client.closed;
    }
    expect(await spare.closed).toEqual({ code: 4429, reason: 'banned: a malformed frame' });
    const again = await running.client(from('203.0.113.3'));
    again.sendHello({ token: 'eve' });
    expect((await again.closed).code).toBe(4429);
    await running.client({ ...from('203.0.113.3'), hello: { token: 'ada' } });
  });

  it('does not take others behind its address along, who are there already', async () => {
    await using running = await startServer({ trustedProxies, limits: { strikes: 2 } });
    const neighbour = await running.client({ ...from('203.0.113.1'), hello: { clientId: 'neighbour' } });
    const client = await running.client({ ...from('203.0.113.1'), hello: {} });
    client.socket.send('garbage');
    await client.closed;
    expect((await knock(running.port, '203.0.113.1')).status).toBe(403);
    await neighbour.roundTrip();
  });

  it('of the framing itself is struck as well', async () => {
    await using running = await startServer({ limits: { strikes: 2 } });
    const socket = connect(running.port, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.write(
      'GET /realtime HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
        'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: onesocket.v1\r\n\r\n',
    );
    socket.once('data', () => socket.write(Buffer.from([0xff, 0xff, 1, 2, 3])));
    socket.on('data', () => undefined);
    await new Promise((resolve) => socket.on('close', resolve));
    expect((await knock(running.port)).status).toBe(403);
  });
});

describe('nobody is struck', () => {
  it('for a failure of the server', async () => {
    await using running = await startServer({
      limits: { strikes: 1 },
      authenticate: () => {
        throw new Error('the key store is down');
      },
    });
    for (let n = 0; n < 5; n++) {
      const client = await running.client();
      client.sendHello({ token: 'x' });
      await client.closed;
    }
    expect(running.server.stats().limitsHit.strikes).toBe(0);
  });

  it('for a handshake that takes too long', async () => {
    await using running = await startServer({ limits: { strikes: 1, handshakeTimeoutMs: 20 } });
    expect((await (await running.client()).closed).code).toBe(4408);
    expect(running.server.stats().limitsHit.strikes).toBe(0);
  });

  it('for going without a goodbye, and for a drain', async () => {
    await using running = await startServer({ limits: { strikes: 1 } });
    const client = await running.client({ hello: {} });
    client.socket.terminate();
    const last = await running.client({ hello: { clientId: 'last' } });
    await running.server.drain();
    expect((await last.closed).code).toBe(1012);
    expect(running.server.stats().limitsHit.strikes).toBe(0);
  });
});

it('a gatekeeper keeps no more than its bounds, whoever knocks', () => {
  const clock = new VirtualClock();
  const limits = { addresses: 50, bans: 20, strikes: 4 };
  const { gatekeeper } = createContext(
    { logger: recordingLogger(), limits },
    { clock, randomId: () => 'id' },
  );
  for (let n = 0; n < 5000; n++) {
    const address = `10.${n >> 8}.${n & 255}.1`;
    gatekeeper.admit({ socket: { remoteAddress: address }, headers: {} } as never, 0, false);
    gatekeeper.entered(address);
    gatekeeper.takeSeat(`identity ${n}`, false);
    gatekeeper.strike({ address, identity: `identity ${n}` }, n % 2 ? 4 : 1, 'test');
    gatekeeper.leaveSeat(`identity ${n}`);
    gatekeeper.left(address);
    clock.advance(1);
  }
  // Who was banned last begins anew.
  expect(gatekeeper.sizes).toEqual({ attempts: 50, addresses: 0, identities: 0, bans: 20, strikes: 49 });
});
