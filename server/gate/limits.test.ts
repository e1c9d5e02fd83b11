import { describe, expect, it, vi } from 'vitest';
import type { ServerLimits } from '../limits.ts';
import type { ServerOptions } from '../options.ts';
import { startServer, type RunningServer } from '../test-kit.ts';
import { knock } from './knock.ts';
import type { LimitName } from './limit-hits.ts';

vi.setConfig({ testTimeout: 30_000 });
const patience = { timeout: 10_000 };

/** A server that believes the X-Forwarded-For of this machine, so that a test can come from any address. */
const behindProxy = (limits: Partial<ServerLimits>, options: ServerOptions = {}) =>
  startServer({ limits, trustedProxies: ['127.0.0.1'], ...options });

const from = (address: string) => ({ headers: { 'x-forwarded-for': address } });

/** The limit was hit so often, and the log says so. */
function expectHits({ server, logger }: RunningServer, limit: LimitName, times: number): void {
  expect(server.stats().limitsHit[limit]).toBe(times);
  expect(logger.lines.some((line) => line.startsWith(`warn limit hit {"limit":"${limit}"`))).toBe(true);
}

describe('connections per address', () => {
  it('are refused 429 above the limit, and let in again below it', async () => {
    await using running = await behindProxy({ connectionsPerAddress: 2 });
    const first = await running.client(from('203.0.113.1'));
    await running.client(from('203.0.113.1'));
    expect(await knock(running.port, '203.0.113.1')).toEqual({ status: 429, retryAfter: 5 });
    expect((await knock(running.port, '203.0.113.2')).status).toBe(101);
    expectHits(running, 'connections-per-address', 1);
    first.socket.close();
    await first.closed;
    await expect.poll(async () => (await knock(running.port, '203.0.113.1')).status, patience).toBe(101);
  });

  it('are counted per /64 with IPv6', async () => {
    await using running = await behindProxy({ connectionsPerAddress: 1 });
    await running.client(from('2001:db8:1:2::1'));
    expect((await knock(running.port, '2001:db8:1:2:ffff::9')).status).toBe(429);
    expect((await knock(running.port, '2001:db8:1:3::1')).status).toBe(101);
  });

  it('are counted by the address that the proxy saw, whatever the client made up', async () => {
    await using running = await behindProxy({ connectionsPerAddress: 1 });
    await running.client(from('1.1.1.1, 203.0.113.1'));
    for (const spoofed of ['9.9.9.9', '127.0.0.1', 'garbage', '::1, 10.0.0.1']) {
      expect((await knock(running.port, `${spoofed}, 203.0.113.1`)).status).toBe(429);
    }
  });

  it('are those of the proxy where it is not trusted, and the log warns of that once', async () => {
    await using running = await startServer({ limits: { connectionsPerAddress: 1 } });
    await running.client(from('203.0.113.1'));
    expect((await knock(running.port, '203.0.113.2')).status).toBe(429);
    expect(running.logger.lines.filter((line) => line.includes('X-Forwarded-For is ignored'))).toHaveLength(
      1,
    );
  });

  it('reach `authenticate` as the address of the client', async () => {
    const addresses: (string | undefined)[] = [];
    const authenticate: ServerOptions['authenticate'] = ({ request }) => {
      addresses.push(request.remoteAddress);
      return { identity: 'ada' };
    };
    await using running = await behindProxy({}, { authenticate });
    await running.client({ ...from('1.1.1.1, 203.0.113.1'), hello: { token: 'x' } });
    expect(addresses).toEqual(['203.0.113.1']);
  });
});

describe('connections per identity', () => {
  const authenticate: ServerOptions['authenticate'] = ({ token }) => ({ identity: token });

  it('are closed 1013 above the limit, and nobody is struck for it', async () => {
    await using running = await startServer({
      authenticate,
      limits: { connectionsPerIdentity: 2, strikes: 1 },
    });
    const first = await running.client({ hello: { token: 'ada', clientId: 'a' } });
    await running.client({ hello: { token: 'ada', clientId: 'b' } });
    const third = await running.client();
    third.sendHello({ token: 'ada', clientId: 'c' });
    expect((await third.closed).code).toBe(1013);
    await running.client({ hello: { token: 'bob', clientId: 'c' } });
    expectHits(running, 'connections-per-identity', 1);
    expect(running.server.stats().limitsHit.strikes).toBe(0);
    first.socket.close();
    await first.closed;
    await expect.poll(() => running.server.stats().connections, patience).toBe(2);
    await running.client({ hello: { token: 'ada', clientId: 'c' } });
  });

  it('let a client in that replaces its own older connection', async () => {
    await using running = await startServer({ authenticate, limits: { connectionsPerIdentity: 1 } });
    const older = await running.client({ hello: { token: 'ada' } });
    await running.client({ hello: { token: 'ada' } });
    await older.closed;
    await running.client({ hello: { token: 'ada' } });
  });

  it('do not bound those who have no identity', async () => {
    await using running = await startServer({ limits: { connectionsPerIdentity: 1 } });
    await running.client({ hello: { clientId: 'a' } });
    await running.client({ hello: { clientId: 'b' } });
  });
});

describe('upgrade attempts', () => {
  it('of one address are answered 429 when they are too many', async () => {
    await using running = await behindProxy({ upgradesPerMinute: 1, upgradeBurst: 3 });
    const answers = [];
    for (let n = 0; n < 5; n++) answers.push(await knock(running.port, '203.0.113.1'));
    expect(answers.map(({ status }) => status)).toEqual([101, 101, 101, 429, 429]);
    expect(answers[4]!.retryAfter).toBeGreaterThan(1);
    expect(answers[4]!.retryAfter).toBeLessThanOrEqual(60);
    expect((await knock(running.port, '203.0.113.2')).status).toBe(101);
    expectHits(running, 'upgrades', 2);
  });

  it('are remembered of no more addresses than the bound', async () => {
    await using running = await behindProxy({ upgradesPerMinute: 1, upgradeBurst: 1, addresses: 2 });
    for (const last of [1, 2, 3]) await knock(running.port, `203.0.113.${last}`);
    expect((await knock(running.port, '203.0.113.3')).status).toBe(429);
    // It was forgotten, and so may again.
    expect((await knock(running.port, '203.0.113.1')).status).toBe(101);
  });

  it('count where the origin is refused, too', async () => {
    await using running = await behindProxy(
      { upgradesPerMinute: 1, upgradeBurst: 1 },
      { origins: ['https://a.example'] },
    );
    expect((await knock(running.port, '203.0.113.1')).status).toBe(403);
    expect((await knock(running.port, '203.0.113.1')).status).toBe(429);
    expectHits(running, 'origin', 1);
  });
});

describe('the limits of before', () => {
  it('count and log: all connections', async () => {
    await using running = await startServer({ limits: { connections: 1 } });
    await running.client();
    expect(await knock(running.port)).toEqual({ status: 503, retryAfter: 5 });
    expectHits(running, 'connections', 1);
  });

  it('count and log: the handshake', async () => {
    await using running = await startServer({ limits: { handshakeTimeoutMs: 30 } });
    const client = await running.client();
    expect((await client.closed).code).toBe(4408);
    expectHits(running, 'handshake', 1);
  });

  it('count and log: the size of a frame', async () => {
    await using running = await startServer({ limits: { maxFrameBytes: 1000 } });
    const client = await running.client({ hello: {} });
    client.send({ type: 'publish', topic: 't', seq: 1, payload: 'x'.repeat(2000) });
    expect((await client.closed).code).toBe(1009);
    expectHits(running, 'frame-bytes', 1);
  });

  it('count and log: the size of a message', async () => {
    await using running = await startServer({ limits: { messageBytes: 10 } });
    const client = await running.client({ hello: {} });
    client.send({ type: 'publish', topic: 't', seq: 1, payload: 'x'.repeat(20) });
    expect((await client.one('nack')).payload.code).toBe('too-large');
    expectHits(running, 'message-bytes', 1);
  });

  it('count and log: subscriptions', async () => {
    await using running = await startServer({ limits: { maxSubscriptions: 1 } });
    const client = await running.client({ hello: {} });
    await client.subscribe('a');
    client.send({ type: 'subscribe', topic: 'b' });
    expect((await client.one('error')).payload.code).toBe('limit');
    expectHits(running, 'subscriptions', 1);
  });

  it('count and log: requests', async () => {
    const requests = { wait: () => new Promise<never>(() => undefined) };
    await using running = await startServer({ limits: { pendingRequests: 1 }, requests });
    const client = await running.client({ hello: {} });
    const request = { type: 'request', method: 'wait', timeoutMs: 0, payload: null };
    client.send(request, request);
    expect((await client.one('error')).payload.code).toBe('limit');
    expectHits(running, 'requests', 1);
  });

  it('count and log: transfers', async () => {
    await using running = await startServer({ limits: { transfers: 1 } });
    const client = await running.client({ hello: { features: ['batch', 'chunks'] } });
    for (const transfer of ['a', 'b']) client.send({ type: 'offer', topic: 't', transfer, size: 10 });
    expect((await client.one('error')).payload.code).toBe('limit');
    expectHits(running, 'transfers', 1);
  });

  it('do not flood the log', async () => {
    await using running = await startServer({ limits: { maxSubscriptions: 1 } });
    const client = await running.client({ hello: {} });
    const topics = Array.from({ length: 1000 }, (_, n) => `t${n}`);
    client.send(...topics.map((topic) => ({ type: 'subscribe', topic })));
    await client.some('error', 999);
    expectHits(running, 'subscriptions', 999);
    const lines = running.logger.lines.filter((line) => line.includes('limit hit'));
    expect(lines.length).toBeLessThan(100);
  });
});

describe('an overloaded server', () => {
  it('answers upgrades 503, and sends connections away, the newest first, until it is no more', async () => {
    let isOverloaded = false;
    await using running = await startServer({ overloaded: () => isOverloaded });
    const left: string[] = [];
    const clients = [];
    for (const clientId of ['a', 'b', 'c', 'd']) {
      const client = await running.client({ hello: { clientId } });
      void client.closed.then(({ code }) => left.push(`${clientId} ${code}`));
      clients.push(client);
    }
    isOverloaded = true;
    const { payload } = await clients[3]!.one('goaway');
    expect(payload).toMatchObject({ reason: 'the server is overloaded' });
    expect(payload.retryAfterMs).toBeGreaterThanOrEqual(5000);
    expect(await knock(running.port)).toEqual({ status: 503, retryAfter: 5 });
    await Promise.all(clients.map(({ closed }) => closed));
    expect(left).toEqual(['d 1013', 'c 1013', 'b 1013', 'a 1013']);
    isOverloaded = false;
    await expect.poll(async () => (await knock(running.port)).status, patience).toBe(101);
    expect(running.logger.lines.some((line) => line.startsWith('warn limit hit {"limit":"overload"'))).toBe(
      true,
    );
  });

  it('is not one because the question fails', async () => {
    let asked = 0;
    await using running = await startServer({
      overloaded: () => {
        asked++;
        throw new Error('no idea');
      },
    });
    const client = await running.client({ hello: {} });
    await expect.poll(() => asked, patience).toBeGreaterThan(0);
    await client.roundTrip();
    expect(running.logger.lines.some((line) => line.includes('no idea'))).toBe(true);
  });
});
