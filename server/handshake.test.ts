import { expect, it, describe } from 'vitest';
import { clientKey } from './client.ts';
import { createDeferred } from './deferred.ts';
import type { Identity } from './hooks.ts';
import { MemoryBackbone } from './memory-backbone.ts';
import { RequestError } from './request-error.ts';
import { startServer } from './test-kit.ts';

const accounts: Record<string, Identity> = { 'token-a': { identity: 'a' }, 'token-b': { identity: 'b' } };
const authenticate = ({ token }: { token: string }) => accounts[token] ?? null;

describe('hello', () => {
  it('is answered with a welcome', async () => {
    await using running = await startServer({
      heartbeatMs: 7000,
      limits: { window: 10, maxFrameBytes: 5000 },
    });
    const client = await running.client();
    const welcome = await client.hello({ features: ['batch', 'telepathy'], clientEpoch: 4 });
    expect(client.socket.protocol).toBe('onesocket.v1');
    expect(welcome.payload).toEqual({
      version: 1,
      features: ['batch'],
      clientId: 'client',
      clientEpoch: 4,
      lastSeq: 0,
      rejected: [],
      heartbeatMs: 7000,
      limits: { maxFrameBytes: 5000, maxBatch: 1024, window: 10, maxSubscriptions: 1024 },
    });
  });

  it('without the feature batch gets one envelope per frame', async () => {
    await using running = await startServer();
    const client = await running.client({ hello: { features: [] } });
    expect(client.all('welcome')[0]!.payload.limits.maxBatch).toBe(1);
    await client.subscribe('t');
    client.send(...[1, 2, 3].map((seq) => ({ type: 'publish', topic: 't', seq, payload: seq })));
    await client.some('message', 3);
    expect(Math.max(...client.frames)).toBe(1);
  });

  it('with no common version is closed 4406', async () => {
    await using running = await startServer();
    const client = await running.client();
    client.sendHello({ versions: [2, 3] });
    expect(await client.closed).toEqual({ code: 4406, reason: 'this server speaks the versions 1' });
  });

  it('is closed 4405 when it comes twice', async () => {
    await using running = await startServer();
    const client = await running.client({ hello: {} });
    client.sendHello();
    expect((await client.closed).code).toBe(4405);
  });

  it.each(['publish', 'subscribe', 'ping', 'auth'])('must come before %s', async (type) => {
    await using running = await startServer();
    const client = await running.client();
    client.send({ type, topic: 't', seq: 1, payload: { token: 'x' } });
    expect(await client.closed).toEqual({ code: 4405, reason: `${type} in the state awaiting-hello` });
    expect(running.server.stats().accepted).toBe(0);
  });

  it('that does not come is closed 4408', async () => {
    await using running = await startServer({ limits: { handshakeTimeoutMs: 20 } });
    const client = await running.client();
    expect((await client.closed).code).toBe(4408);
  });
});

describe('subprotocol', () => {
  it('that is unknown is selected and then closed 4406', async () => {
    await using running = await startServer();
    const client = await running.client({ protocols: ['chat.v9', 'other'] });
    expect(client.socket.protocol).toBe('chat.v9');
    expect(await client.closed).toEqual({
      code: 4406,
      reason: 'this server speaks the subprotocol onesocket.v1',
    });
  });

  it('that is missing is closed 4406', async () => {
    await using running = await startServer();
    const client = await running.client({ protocols: [] });
    expect((await client.closed).code).toBe(4406);
  });

  it('is found among others', async () => {
    await using running = await startServer();
    const client = await running.client({ protocols: ['other', 'onesocket.v1'], hello: {} });
    expect(client.socket.protocol).toBe('onesocket.v1');
  });
});

describe('token', () => {
  it('is answered with auth-ok and then welcome', async () => {
    const expiresAt = Date.now() + 2 ** 40;
    await using running = await startServer({ authenticate: () => ({ identity: 'me', expiresAt }) });
    const client = await running.client({ hello: { token: 'x' } });
    expect(client.envelopes.map(({ type }) => type)).toEqual(['auth-ok', 'welcome']);
    expect(client.all('auth-ok')[0]!.payload).toEqual({ identity: 'me', expiresAt });
  });

  it('is handed over with the request', async () => {
    const seen: unknown[] = [];
    await using running = await startServer({
      authenticate: ({ token, request }) => {
        seen.push([token, request.url, request.headers['origin'], request.remoteAddress]);
        return Promise.resolve({ identity: 'me' });
      },
    });
    await running.client({ origin: 'https://a.example', path: '/realtime?x=1', hello: { token: 'tok' } });
    expect(seen).toEqual([['tok', '/realtime?x=1', 'https://a.example', '127.0.0.1']]);
  });

  it('is taken in a frame of its own', async () => {
    await using running = await startServer({ authenticate });
    const client = await running.client();
    client.sendHello({ auth: 'token' });
    client.send({ type: 'auth', payload: { token: 'token-a' } });
    await client.one('welcome');
  });

  it('that is missing is closed 4401 at once', async () => {
    await using running = await startServer({ authenticate });
    const client = await running.client();
    client.sendHello();
    expect(await client.closed).toEqual({ code: 4401, reason: 'token required' });
  });

  it('that is announced but does not come is closed 4408', async () => {
    await using running = await startServer({ authenticate, limits: { handshakeTimeoutMs: 20 } });
    const client = await running.client();
    client.sendHello({ auth: 'token' });
    expect((await client.closed).code).toBe(4408);
  });

  it.each<[string, () => Identity | null, string]>([
    ['null', () => null, 'the token was refused'],
    [
      'an error',
      () => {
        throw new Error('secret detail');
      },
      'the token was refused',
    ],
    [
      'a RequestError',
      () => {
        throw new RequestError('revoked', 'your token was revoked');
      },
      'your token was revoked',
    ],
  ])('that is refused with %s is closed 4401', async (_name, refuse, reason) => {
    await using running = await startServer({ authenticate: refuse });
    const client = await running.client();
    client.sendHello({ token: 'x' });
    expect(await client.closed).toEqual({ code: 4401, reason });
  });

  it.each(['', 'a\0b', 'x'.repeat(257)])('for a wrong identity is closed 1013', async (identity) => {
    await using running = await startServer({ authenticate: () => ({ identity }) });
    const client = await running.client();
    client.sendHello({ token: 'x' });
    expect((await client.closed).code).toBe(1013);
  });

  it('that cannot be checked in time is closed 1013', async () => {
    await using running = await startServer({
      authenticate: () => new Promise<never>(() => undefined),
      limits: { hookTimeoutMs: 20 },
    });
    const client = await running.client();
    client.sendHello({ token: 'x' });
    expect((await client.closed).code).toBe(1013);
  });

  it('is answered without authenticate too', async () => {
    await using running = await startServer();
    const client = await running.client({ hello: { token: 'x' } });
    expect(client.envelopes.map(({ type }) => type)).toEqual(['auth-ok', 'welcome']);
    client.send({ type: 'auth', payload: { token: 'y' } });
    expect((await client.one('auth-ok', 1)).payload.identity).toBe('anonymous');
  });

  it('lets nothing else in while it is checked', async () => {
    const verdict = createDeferred<Identity>();
    await using running = await startServer({ authenticate: () => verdict.promise });
    const client = await running.client();
    client.sendHello({ token: 'x' });
    client.send({ type: 'publish', topic: 't', seq: 1, payload: 1 });
    expect((await client.closed).code).toBe(4405);
    verdict.resolve({ identity: 'late' });
    expect(running.server.stats().accepted).toBe(0);
  });

  it('is in no log line', async () => {
    const canary = 'canary-b5f1c0de';
    await using running = await startServer({
      authenticate: ({ token }) => {
        if (token.endsWith('!')) throw new RequestError('bad', `bad token ${token}`);
        if (token.endsWith('?')) throw new Error(`cannot verify ${token}`);
        return token.endsWith('0') ? null : { identity: 'me' };
      },
      authorize: () => {
        throw new Error('no');
      },
    });
    const reasons: string[] = [];
    for (const end of ['!', '?', '0']) {
      const client = await running.client({ path: `/realtime?token=${canary}` });
      client.sendHello({ token: canary + end });
      reasons.push((await client.closed).reason);
    }
    const client = await running.client({ hello: { token: canary } });
    client.send({ type: 'subscribe', topic: 't' });
    await client.one('error');
    client.send({ type: 'auth', payload: { token: canary, extra: canary } }, { type: canary });
    await client.closed;
    expect(running.logger.lines.length).toBeGreaterThan(4);
    expect(running.logger.lines.join('\n')).not.toContain(canary.slice(0, -1));
    expect(reasons.join('\n')).not.toContain(canary);
  });
});

describe('an identity in the hello', () => {
  it('is accepted where the token is of the same', async () => {
    await using running = await startServer({ authenticate });
    const client = await running.client();
    await client.hello({ token: 'token-a', identity: 'a' });
    expect(client.all('auth-ok')[0]!.payload.identity).toBe('a');
  });

  it('is closed 4403 where the token is of another, before anything of the client is opened', async () => {
    await using running = await startServer({ authenticate });
    const client = await running.client();
    client.sendHello({ token: 'token-b', identity: 'a' });
    expect(await client.closed).toEqual({
      code: 4403,
      reason: 'the outbox is of another identity than the token',
    });
    expect(client.envelopes).toEqual([]);
  });

  it('needs a token like any other hello', async () => {
    await using running = await startServer({ authenticate });
    const client = await running.client();
    client.sendHello({ identity: 'a' });
    expect((await client.closed).code).toBe(4401);
  });

  it.each([undefined, 'x'])('means nothing to a server without authenticate (token: %s)', async (token) => {
    const seen: string[] = [];
    await using running = await startServer({ onPublish: ({ identity }) => void seen.push(identity) });
    const client = await running.client();
    await client.hello({ identity: 'a', ...(token && { token }) });
    await client.publish('t', 1);
    expect(seen).toEqual(['anonymous']);
  });
});

describe('new token on an open connection', () => {
  it('is taken where the identity is the same', async () => {
    const claims: unknown[] = [];
    let count = 0;
    await using running = await startServer({
      authenticate: () => ({ identity: 'me', claims: ++count }),
      authorize: (question) => {
        claims.push(question.claims);
        return true;
      },
    });
    const client = await running.client({ hello: { token: 'x' } });
    await client.subscribe('t');
    client.send({ type: 'auth', payload: { token: 'y' } });
    await client.one('auth-ok', 1);
    await client.subscribe('t');
    // About the live subscription, again with the new claims, and about the new one.
    expect(claims).toEqual([1, 2, 2]);
  });

  it('is closed 4401 where the identity is another', async () => {
    await using running = await startServer({ authenticate });
    const client = await running.client({ hello: { token: 'token-a' } });
    client.send({ type: 'auth', payload: { token: 'token-b' } });
    expect(await client.closed).toEqual({ code: 4401, reason: 'the token is of another identity' });
  });

  it('extends the time until the expiry', async () => {
    let expiresAt = Date.now() + 1000;
    await using running = await startServer({ authenticate: () => ({ identity: 'me', expiresAt }) });
    const client = await running.client({ hello: { token: 'x' } });
    const first = expiresAt;
    expiresAt += 300;
    client.send({ type: 'auth', payload: { token: 'y' } });
    await client.one('auth-ok', 1);
    expect((await client.closed).code).toBe(4419);
    expect(Date.now()).toBeGreaterThan(first + 250);
  });
});

describe('expired token', () => {
  it('closes the connection 4419', async () => {
    await using running = await startServer({
      authenticate: () => ({ identity: 'me', expiresAt: Date.now() + 30 }),
    });
    const client = await running.client({ hello: { token: 'x' } });
    expect(await client.closed).toEqual({ code: 4419, reason: 'the token has expired' });
  });

  it('is refused with 4419', async () => {
    await using running = await startServer({ authenticate: () => ({ identity: 'me', expiresAt: 1 }) });
    const client = await running.client();
    client.sendHello({ token: 'x' });
    expect((await client.closed).code).toBe(4419);
    expect(client.envelopes).toEqual([]);
  });
});

describe('client epoch', () => {
  it('older than the newest is closed 4409', async () => {
    await using running = await startServer();
    const newer = await running.client({ hello: { clientEpoch: 5 } });
    const older = await running.client();
    older.sendHello({ clientEpoch: 4 });
    expect((await older.closed).code).toBe(4409);
    await newer.roundTrip();
  });

  it('that is newer closes the older connection 4409', async () => {
    await using running = await startServer();
    const older = await running.client({ hello: { clientEpoch: 4 } });
    await running.client({ hello: { clientEpoch: 5 } });
    expect((await older.closed).code).toBe(4409);
  });

  it('that is the same has its connection closed 4410, where the backbone has another', async () => {
    const backbone = new MemoryBackbone();
    await using running = await startServer({ backbone });
    const client = await running.client({ hello: { clientEpoch: 5 } });
    // An attempt that the hub gave up, which another server opens only now.
    backbone.openClient({ key: clientKey('anonymous', 'client'), epoch: 5, acked: 0 });
    client.send({ type: 'publish', topic: 't', seq: 1, payload: 1 });
    expect((await client.closed).code).toBe(4410);
    const again = await running.client({ hello: { clientEpoch: 5 } });
    again.send({ type: 'publish', topic: 't', seq: 1, payload: 1 });
    expect(await again.one('ack')).toMatchObject({ seq: 1 });
  });

  it('that is the same ends the older connection', async () => {
    await using running = await startServer();
    const older = await running.client({ hello: {} });
    const newer = await running.client({ hello: {} });
    expect((await older.closed).code).toBe(1006);
    await newer.roundTrip();
    expect(running.server.stats().connections).toBe(1);
  });

  it('is kept per identity', async () => {
    await using running = await startServer({ authenticate });
    const a = await running.client({ hello: { token: 'token-a', clientEpoch: 9 } });
    const b = await running.client({ hello: { token: 'token-b', clientEpoch: 1 } });
    await Promise.all([a.roundTrip(), b.roundTrip()]);
  });

  it('lets no publish of the replaced connection through', async () => {
    const asked = createDeferred();
    const answer = createDeferred<boolean>();
    await using running = await startServer({
      authorize: ({ action, topic }) => {
        if (action !== 'publish' || topic !== 'slow') return true;
        asked.resolve();
        return answer.promise;
      },
    });
    const zombie = await running.client({ hello: { clientEpoch: 1 } });
    zombie.send({ type: 'publish', topic: 'slow', seq: 1, payload: 'zombie' });
    await asked.promise;
    const current = await running.client({ hello: { clientEpoch: 2 } });
    await current.subscribe('slow');
    answer.resolve(true);
    await zombie.closed;
    await current.publish('t', 1);
    expect(running.server.stats().accepted).toBe(1);
    expect(current.all('message')).toEqual([]);
  });
});
