import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { WebSocket } from 'ws';
import { describe, expect, it } from 'vitest';
import { fileBackbone } from './file.ts';
import { createServer, RequestError, type Identity, type PeerRequest, type ServerOptions } from './index.ts';
import { recordingLogger, startServer, type ClientOptions } from './test-kit.ts';

const origin = 'https://app.example';
const tokens = { subprotocol: true, cookie: 'session', query: 'token' } as const;
const bearer = (token: string) => `bearer.${Buffer.from(token).toString('base64url')}`;

/** How a client brings its token with the upgrade. */
const carriers: readonly [string, (token: string) => ClientOptions][] = [
  ['subprotocol', (token) => ({ origin, protocols: ['onesocket.v1', bearer(token)] })],
  ['query', (token) => ({ origin, path: `/realtime?x=1&token=${encodeURIComponent(token)}` })],
  ['cookie', (token) => ({ origin, headers: { cookie: `x=1; session=${token}` } })],
];

const identities = ({ token }: { token: string }): Identity | null => {
  const [kind, name = ''] = token.split('-');
  if (kind === 'token') return { identity: name };
  return kind === 'expired' ? { identity: name, expiresAt: Date.now() - 1 } : null;
};
const options: ServerOptions = { authenticate: identities, tokens, origins: [origin] };

describe.each(carriers)('a token by %s', (_name, withToken) => {
  it('opens as one in the first message does', async () => {
    await using running = await startServer(options);
    const client = await running.client(withToken('token-a'));
    await client.hello();
    expect(client.envelopes.map(({ type }) => type)).toEqual(['auth-ok', 'welcome']);
    expect(client.all('auth-ok')[0]!.payload).toEqual({ identity: 'a' });
  });

  it.each([
    ['wrong', 4401],
    ['expired-a', 4419],
    ['token-b', 4403],
  ])('that is %s closes %i, and not the handshake of the WebSocket', async (token, code) => {
    await using running = await startServer(options);
    const client = await running.client(withToken(token));
    client.sendHello({ identity: 'a' });
    expect((await client.closed).code).toBe(code);
  });

  it('counts less than one in the first message', async () => {
    await using running = await startServer(options);
    const client = await running.client(withToken('token-a'));
    await client.hello({ token: 'token-b' });
    expect(client.all('auth-ok')[0]!.payload.identity).toBe('b');
  });

  it('is no token to a server that takes it in the first message only', async () => {
    await using running = await startServer({ authenticate: identities });
    const client = await running.client(withToken('token-a'));
    client.sendHello();
    expect(await client.closed).toEqual({ code: 4401, reason: 'token required' });
  });

  it('is replaced by an auth, and expires as any', async () => {
    const expiresAt = Date.now() + 2_000;
    const authenticate = ({ token }: { token: string }): Identity =>
      token === 'one' ? { identity: 'a' } : { identity: 'a', expiresAt };
    await using running = await startServer({ ...options, authenticate });
    const client = await running.client(withToken('one'));
    await client.hello();
    client.send({ type: 'auth', payload: { token: 'two' } });
    expect((await client.one('auth-ok', 1)).payload.expiresAt).toBe(expiresAt);
    expect((await client.one('expiring')).payload.expiresAt).toBe(expiresAt);
    expect((await client.closed).code).toBe(4419);
  });

  it('is given to authenticate, and hidden in its request', async () => {
    const seen: { token: string; request: PeerRequest }[] = [];
    const authenticate = (attempt: { token: string; request: PeerRequest }) => {
      seen.push(attempt);
      return { identity: 'a' };
    };
    await using running = await startServer({ ...options, authenticate });
    await (await running.client(withToken('canary-5e1f'))).hello();
    expect(seen.map(({ token }) => token)).toEqual(['canary-5e1f']);
    const request = JSON.stringify(seen[0]!.request);
    expect(request).toContain('[token]');
    expect(request).not.toContain('canary');
    expect(request).not.toContain(bearer('canary-5e1f'));
  });
});

describe('a token by subprotocol', () => {
  it.each([
    [['onesocket.v1', bearer('token-a')], 'onesocket.v1'],
    [[bearer('token-a'), 'onesocket.v1'], 'onesocket.v1'],
    [[bearer('token-a'), 'other'], 'other'],
  ])('is never echoed: of %j, %s is selected', async (offered, selected) => {
    await using running = await startServer(options);
    const client = await running.client({ origin, protocols: offered });
    expect(client.socket.protocol).toBe(selected);
  });

  it('is not echoed where nothing else is offered', async () => {
    await using running = await startServer(options);
    const socket = new WebSocket(`ws://127.0.0.1:${running.port}/realtime`, [bearer('token-a')], { origin });
    const error = await new Promise<Error>((resolve) => socket.on('error', resolve));
    expect(error.message).toBe('Server sent no subprotocol');
  });

  it('that is malformed closes 4401', async () => {
    await using running = await startServer(options);
    const client = await running.client({ origin, protocols: ['onesocket.v1', 'bearer.a+b'] });
    client.sendHello();
    expect(await client.closed).toEqual({ code: 4401, reason: 'the token of the upgrade is malformed' });
  });
});

describe('a token by cookie', () => {
  it('is not looked at for another origin, nor for none', async () => {
    await using running = await startServer(options);
    for (const headers of [{ origin: 'https://evil.example' }, {}]) {
      const cookie = { cookie: 'session=token-a' };
      await expect(running.client({ headers: { ...headers, ...cookie } })).rejects.toThrow('403');
    }
    expect(running.server.stats().connected).toBe(0);
  });
});

describe('the option tokens', () => {
  const authenticate = identities;
  it.each<[string, ServerOptions, string]>([
    [
      'a cookie without origins',
      { authenticate, tokens: { cookie: 'session' } },
      'tokens.cookie needs origins',
    ],
    ['no authenticate', { tokens: { subprotocol: true } }, 'tokens needs authenticate'],
    [
      'an unknown carrier',
      { authenticate, tokens: { header: 'x' } as object },
      'unknown option tokens.header',
    ],
    [
      'a name that no cookie has',
      { authenticate, origins: [origin], tokens: { cookie: 'a b' } },
      'tokens.cookie',
    ],
    ['an empty parameter', { authenticate, tokens: { query: '' } }, 'tokens.query'],
    ['no boolean', { authenticate, tokens: { subprotocol: 'x' } as object }, 'tokens.subprotocol'],
    ['no object', { authenticate, tokens: 5 as unknown as object }, 'tokens must be an object'],
  ])('is refused at the start with %s', (_name, given, message) => {
    expect(() => createServer(given)).toThrow(message);
  });

  it('warns once of tokens in the URL, and of nothing else', async () => {
    const logger = recordingLogger();
    await using running = await startServer({ ...options, logger });
    for (let count = 0; count < 2; count++) await running.client({ origin, path: '/realtime?token=token-a' });
    expect(logger.lines.filter((line) => line.startsWith('warn'))).toHaveLength(1);
    const quiet = recordingLogger();
    createServer({ ...options, tokens: { subprotocol: true, cookie: 'session' }, logger: quiet });
    expect(quiet.lines).toEqual([]);
  });
});

describe('a token that expires', () => {
  it('is told before, once, and not before the welcome', async () => {
    const expiresAt = Date.now() + 2_000;
    const authenticate = (): Identity => ({ identity: 'a', expiresAt });
    await using running = await startServer({ authenticate });
    const client = await running.client();
    client.sendHello({ token: 'x' });
    expect((await client.one('expiring')).payload).toEqual({ expiresAt });
    await client.roundTrip();
    expect(client.envelopes.map(({ type }) => type)).toEqual(['auth-ok', 'welcome', 'expiring', 'pong']);
  });

  it('is told anew after it was replaced', async () => {
    const authenticate = ({ token }: { token: string }): Identity => ({ identity: 'a', expiresAt: +token });
    await using running = await startServer({ authenticate });
    const [first, second] = [Date.now() + 2_000, Date.now() + 2_100];
    const client = await running.client({ hello: { token: String(first) } });
    client.send({ type: 'auth', payload: { token: String(second) } });
    expect((await client.one('expiring')).payload.expiresAt).toBe(second);
  });

  it('cannot be checked where authenticate says so: closed 1013, and logged', async () => {
    const authenticate = ({ token }: { token: string }) => {
      throw new RequestError('unavailable', `no keys for ${token}`, { retryable: true });
    };
    await using running = await startServer({ authenticate });
    const client = await running.client();
    client.sendHello({ token: 'canary-77aa' });
    expect(await client.closed).toEqual({ code: 1013, reason: 'no keys for [token]' });
    expect(running.logger.lines.join()).toContain('a token could not be checked');
    expect(running.logger.lines.join()).not.toContain('canary');
  });
});

/** Everything that a directory holds, as one text. */
async function contents(dir: string): Promise<string> {
  const names = await readdir(dir);
  return (await Promise.all(names.map((name) => readFile(join(dir, name), 'latin1')))).join('\n');
}

describe('a canary as the token', () => {
  const fates = {
    good: () => ({ identity: 'me', claims: { role: 'x' } }),
    expired: () => ({ identity: 'me', expiresAt: 1 }),
    refused: () => null,
    thrown: (token: string): unknown => JSON.parse(token),
    quoted: (token: string): never => {
      throw new RequestError('bad', `bad token ${token}`);
    },
    cut: (token: string): never => {
      throw new Error(`cannot verify ${token.slice(3, 30)}...`);
    },
  } satisfies Record<string, (token: string) => unknown>;
  const first = (token: string): ClientOptions & { readonly first: string } => ({ origin, first: token });

  it('is in no log line, file, close reason or counter, whichever way it comes and whatever becomes of it', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'onesocket-canary-'));
    const backbone = await fileBackbone(dir);
    const seen: string[] = [];
    const logger = pino({ level: 'trace' }, { write: (line: string) => void seen.push(line) });
    const marks: string[] = [];
    const running = await startServer({
      ...options,
      backbone,
      logger,
      authenticate: ({ token }) => fates[token.split('~')[1] as keyof typeof fates](token) as Identity | null,
    });
    for (const [name, withToken] of [...carriers, ['message', first] as const]) {
      for (const fate of Object.keys(fates)) {
        const canary = `canary-${name}-5f0e9b7c~${fate}~with-a-tail`;
        marks.push(canary, Buffer.from(canary).toString('base64url'), encodeURIComponent(canary));
        const how = withToken(canary);
        const client = await running.client(how);
        const token = 'first' in how ? canary : undefined;
        client.sendHello({ clientId: name, ...(token && { token }) });
        if (fate !== 'good') {
          seen.push(JSON.stringify(await client.closed));
        } else {
          await client.one('welcome');
          await client.publish('t', 1);
          client.send({ type: 'auth', payload: { token: canary } });
          await client.one('auth-ok', 1);
          client.send({ type: canary });
          await client.closed;
        }
        seen.push(JSON.stringify(client.envelopes));
      }
    }
    seen.push(JSON.stringify(running.server.stats()));
    await running[Symbol.asyncDispose]();
    await backbone.close();
    seen.push(await contents(dir));
    await rm(dir, { recursive: true });
    const all = seen.join('\n');
    // The places were looked at: the identity is in the store, and every refusal in the log.
    expect(all).toContain('me');
    // Once per carrier in the log, and once in the close.
    expect(all.split('"code":4419,"reason":')).toHaveLength(9);
    expect(all.split('authenticate failed').length).toBeGreaterThan(carriers.length * 2);
    expect(marks.filter((mark) => all.includes(mark.slice(0, 14)))).toEqual([]);
    expect(all).not.toContain('5f0e9b7c');
  }, 30_000);
});
