import { mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { createServer as createHttpServer } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { OpenResult } from '../backbone.ts';
import { createServer } from '../create-server.ts';
import { createDeferred } from '../deferred.ts';
import { MemoryBackbone } from '../memory-backbone.ts';
import type { BanOptions } from '../gate/ban-options.ts';
import type { Ban, BanTarget } from '../gate/bans.ts';
import { knock } from '../gate/knock.ts';
import type { ServerOptions } from '../options.ts';
import { startServer } from '../test-kit.ts';
import type { AuditEntry, AuditSink } from './audit-log.ts';

vi.setConfig({ testTimeout: 30_000 });

const secret = 'correct-horse-battery-staple-0123456789';
let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'onesocket-audit-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

/** A server, its admin interface on a port of its own, and who asks it. */
async function startAdmin(options: ServerOptions = {}, audit?: string | AuditSink) {
  const running = await startServer({
    authenticate: ({ token }) => ({ identity: token }),
    trustedProxies: ['127.0.0.1'],
    ...options,
  });
  const entries: AuditEntry[] = [];
  const sink: AuditSink = (entry) => void entries.push(entry);
  const http = createHttpServer(running.server.admin({ secret, audit: audit ?? sink }));
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const { port } = http.address() as AddressInfo;
  const ask = async (path: string, init: RequestInit = {}) => {
    const headers = {
      authorization: `Bearer ${secret}`,
      'content-type': 'application/json',
      ...init.headers,
    };
    const response = await fetch(`http://127.0.0.1:${port}/admin/${path}`, { ...init, headers });
    return { status: response.status, headers: response.headers, body: (await response.json()) as never };
  };
  return {
    running,
    entries,
    port,
    ask,
    get: (path: string) => ask(path),
    post: (path: string, body: unknown, headers = {}) =>
      ask(path, { method: 'POST', body: JSON.stringify(body), headers }),
    [Symbol.asyncDispose]: async () => {
      http.closeAllConnections();
      http.close();
      await running[Symbol.asyncDispose]();
    },
  };
}

const as = (token: string, address: string, clientId = token) => ({
  headers: { 'x-forwarded-for': address },
  hello: { token, clientId },
});

describe('connections', () => {
  it('are listed with who they are and what they have', async () => {
    await using admin = await startAdmin({ heartbeatMs: 20 });
    const client = await admin.running.client(as('ada', '203.0.113.1', 'outbox'));
    await client.subscribe('t');
    await admin.running.client({ headers: { 'x-forwarded-for': '2001:db8::1' } });
    const listed = async () =>
      (await admin.get('connections')).body as { connections: Record<string, unknown>[] };
    await expect
      .poll(async () => (await listed()).connections[0]!['rttMs'], { timeout: 10_000 })
      .toEqual(expect.any(Number));
    const [first, second] = (await listed()).connections;
    expect(first).toMatchObject({
      identity: 'ada',
      clientId: 'outbox',
      address: '203.0.113.1',
      subscriptions: 1,
    });
    expect(new Date(first!['since'] as string).getTime()).toBeGreaterThan(Date.now() - 60_000);
    expect(first!['bytesRead']).toBeGreaterThan(0);
    expect(first!['bytesWritten']).toBeGreaterThan(0);
    expect(second).toMatchObject({
      identity: null,
      clientId: null,
      address: '2001:db8::1',
      subscriptions: 0,
    });
  });

  it('come in pages, and by address or identity', async () => {
    await using admin = await startAdmin();
    for (let n = 0; n < 5; n++)
      await admin.running.client(as(n % 2 ? 'ada' : 'bob', `203.0.113.${n}`, `c${n}`));
    const seen: string[] = [];
    let next: string | null = '0';
    while (next !== null) {
      const { body } = await admin.get(`connections?limit=2&after=${next}`);
      const page = body as { connections: { clientId: string }[]; next: string | null };
      expect(page.connections.length).toBeLessThanOrEqual(2);
      seen.push(...page.connections.map(({ clientId }) => clientId));
      next = page.next;
    }
    expect(seen).toEqual(['c0', 'c1', 'c2', 'c3', 'c4']);
    const found = async (query: string) =>
      ((await admin.get(`connections?${query}`)).body as { connections: unknown[] }).connections.length;
    expect(await found('identity=ada')).toBe(2);
    expect(await found('address=203.0.113.4')).toBe(1);
  });
});

describe('kick', () => {
  it('closes 1013 one connection, or those of an identity or address, who may come back', async () => {
    await using admin = await startAdmin();
    const ada = await admin.running.client(as('ada', '203.0.113.1'));
    const bob = await admin.running.client(as('bob', '203.0.113.2'));
    const eve = await admin.running.client(as('eve', '203.0.113.3'));
    expect((await admin.post('kick', { id: '1' })).body).toEqual({ closed: 1 });
    expect((await admin.post('kick', { identity: 'bob' })).body).toEqual({ closed: 1 });
    expect((await admin.post('kick', { address: '203.0.113.3' })).body).toEqual({ closed: 1 });
    for (const client of [ada, bob, eve])
      expect(await client.closed).toEqual({ code: 1013, reason: 'ended by an operator' });
    expect((await admin.post('kick', { id: '99' })).body).toEqual({ closed: 0 });
    await admin.running.client(as('ada', '203.0.113.1'));
  });
});

describe('ban', () => {
  it('of an identity closes 4403 and keeps it out, until it is lifted', async () => {
    await using admin = await startAdmin();
    const ada = await admin.running.client(as('ada', '203.0.113.1'));
    const { body } = await admin.post('ban', { identity: 'ada', forMs: 60_000, reason: 'spam' });
    expect(body).toMatchObject({ closed: 1, ban: { identity: 'ada', reason: 'spam', by: 'admin' } });
    expect(await ada.closed).toEqual({ code: 4403, reason: 'banned: spam' });
    const again = await admin.running.client({ headers: { 'x-forwarded-for': '203.0.113.2' } });
    again.sendHello({ token: 'ada' });
    expect((await again.closed).code).toBe(4403);
    expect((await admin.post('unban', { identity: 'ada' })).body).toEqual({ lifted: true });
    expect((await admin.post('unban', { identity: 'ada' })).body).toEqual({ lifted: false });
    await admin.running.client(as('ada', '203.0.113.1'));
  });

  it('finds an identity also while its connection is being opened', async () => {
    const asked = createDeferred();
    const opened = createDeferred<OpenResult>();
    const backbone = new MemoryBackbone();
    backbone.openClient = () => {
      asked.resolve();
      return opened.promise as never;
    };
    await using admin = await startAdmin({ backbone });
    const ada = await admin.running.client({ headers: { 'x-forwarded-for': '203.0.113.1' } });
    ada.sendHello({ token: 'ada' });
    await asked.promise;
    expect((await admin.post('ban', { identity: 'ada' })).body).toMatchObject({ closed: 1 });
    expect((await ada.closed).code).toBe(4403);
  });

  it('of an address closes all who are there, and answers 403 with the time', async () => {
    await using admin = await startAdmin();
    const clients = [];
    for (const id of ['a', 'b']) clients.push(await admin.running.client(as(id, `2001:db8::${id}`)));
    await admin.post('ban', { address: '2001:db8::1', forMs: 100_000 });
    for (const client of clients) expect((await client.closed).code).toBe(4403);
    const { status, retryAfter } = await knock(admin.running.port, '2001:db8::7');
    expect(status).toBe(403);
    expect(retryAfter).toBeGreaterThan(90);
    const { bans } = (await admin.get('bans')).body as { bans: { address: string }[] };
    expect(bans.map(({ address }) => address)).toEqual(['2001:db8:0:0::/64']);
    expect((await admin.post('unban', { address: bans[0]!.address })).body).toEqual({ lifted: true });
    expect((await knock(admin.running.port, '2001:db8::7')).status).toBe(101);
  });
});

describe('bans that the app keeps', () => {
  it('hold after a restart until they end or are lifted, and are told as they come and go', async () => {
    const kept = new Map<string, Ban>();
    const lifted: BanTarget[] = [];
    const bans = (): BanOptions => ({
      known: JSON.parse(JSON.stringify([...kept.values()])) as Ban[],
      onBan: (ban) => void kept.set(`${ban.kind} ${ban.value}`, ban),
      onUnban: (target) => void lifted.push(target),
    });
    const limits = { strikes: 2 };
    {
      await using admin = await startAdmin({ bans: bans(), limits });
      await admin.post('ban', { identity: 'eve', reason: 'spam' });
      await admin.post('ban', { identity: 'bob', forMs: 1 });
      await admin.post('ban', { address: '2001:db8::7' });
      const violator = await admin.running.client(as('mal', '203.0.113.9'));
      violator.socket.send('garbage');
      await violator.closed;
      expect([...kept.keys()]).toEqual([
        'identity eve',
        'identity bob',
        'address 2001:db8:0:0::/64',
        'address 203.0.113.9',
        'identity mal',
      ]);
    }
    await using admin = await startAdmin({ bans: bans(), limits });
    const { bans: listed } = (await admin.get('bans')).body as { bans: Record<string, unknown>[] };
    expect(listed).toMatchObject([
      { identity: 'eve', reason: 'spam', by: 'admin' },
      { address: '2001:db8:0:0::/64', by: 'admin' },
      { address: '203.0.113.9', by: 'strikes' },
      { identity: 'mal', by: 'strikes' },
    ]);
    const eve = await admin.running.client({ headers: { 'x-forwarded-for': '203.0.113.1' } });
    eve.sendHello({ token: 'eve', clientId: 'eve' });
    expect(await eve.closed).toEqual({ code: 4403, reason: 'banned: spam' });
    expect((await knock(admin.running.port, '203.0.113.9')).status).toBe(403);
    await admin.running.client(as('bob', '203.0.113.2'));

    await admin.post('unban', { identity: 'eve' });
    await admin.post('unban', { identity: 'nobody' });
    expect(lifted).toEqual([{ kind: 'identity', value: 'eve' }]);
    await admin.running.client(as('eve', '203.0.113.1'));
  });

  it.each<[string, () => void | Promise<void>]>([
    [
      'throws',
      () => {
        throw new Error('the store is away');
      },
    ],
    ['rejects', () => Promise.reject(new Error('the store is away'))],
  ])('hold also where the hook %s, which is logged', async (_how, onBan) => {
    await using admin = await startAdmin({ bans: { onBan } });
    expect((await admin.post('ban', { identity: 'eve' })).status).toBe(200);
    const eve = await admin.running.client({ headers: { 'x-forwarded-for': '203.0.113.1' } });
    eve.sendHello({ token: 'eve', clientId: 'eve' });
    expect((await eve.closed).code).toBe(4403);
    await expect.poll(() => admin.running.logger.lines.join()).toContain('the store is away');
  });
});

describe('broadcast', () => {
  it('publishes to a topic, and who subscribes later finds it in the history', async () => {
    await using admin = await startAdmin();
    const client = await admin.running.client(as('ada', '203.0.113.1'));
    await client.subscribe('notices');
    const { body } = await admin.post('broadcast', { topic: 'notices', payload: { text: 'down at noon' } });
    expect(body).toMatchObject({ topic: 'notices', offset: 1 });
    expect((await client.one('message')).payload).toEqual({ text: 'down at noon' });
  });

  it('answers 422 where the topic is none', async () => {
    await using admin = await startAdmin();
    const { status, body } = await admin.post('broadcast', { topic: '', payload: 1 });
    expect([status, body]).toMatchObject([422, { error: 'invalid-option' }]);
    expect(admin.entries.map(({ outcome }) => outcome)).toEqual(['accepted', 'failed']);
  });
});

describe('drain', () => {
  it('answers at once, and empties the server', async () => {
    await using admin = await startAdmin();
    const client = await admin.running.client(as('ada', '203.0.113.1'));
    expect((await admin.post('drain', { withinMs: 5000 })).body).toEqual({ draining: true, connections: 1 });
    expect((await client.one('goaway')).payload.retryAfterMs).toBeLessThanOrEqual(5000);
    expect((await client.closed).code).toBe(1012);
    expect((await knock(admin.running.port)).status).toBe(503);
  });
});

describe('without the secret', () => {
  it.each([
    ['no header', ''],
    ['another secret', `Bearer ${'x'.repeat(secret.length)}`],
    ['the beginning of it', `Bearer ${secret.slice(0, -1)}`],
    ['more than it', `Bearer ${secret}x`],
    ['another scheme', `Basic ${secret}`],
    ['none', 'Bearer '],
  ])('nothing is done: %s', async (_case, authorization) => {
    await using admin = await startAdmin();
    await admin.running.client(as('ada', '203.0.113.1'));
    const { status, headers } = await admin.post('kick', { id: '1' }, { authorization });
    expect([status, headers.get('www-authenticate')]).toEqual([401, 'Bearer']);
    expect(admin.running.server.stats().connections).toBe(1);
    expect(admin.entries).toMatchObject([
      {
        action: 'kick',
        outcome: 'refused',
        status: 401,
        address: '127.0.0.1',
        details: { code: 'unauthorized' },
      },
    ]);
  });

  it('guessing is answered 429 after a few, also where the guess is right', async () => {
    await using admin = await startAdmin();
    const statuses = [];
    for (let n = 0; n < 7; n++)
      statuses.push((await admin.post('kick', {}, { authorization: `Bearer ${n}` })).status);
    expect(statuses).toEqual([401, 401, 401, 401, 401, 429, 429]);
    const right = await admin.get('connections');
    expect(right.status).toBe(429);
    expect(Number(right.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(admin.running.server.stats().limitsHit.admin).toBe(3);
    // Who guesses from one address locks nobody else out.
    const elsewhere = await admin.ask('connections', { headers: { 'x-forwarded-for': '203.0.113.5' } });
    expect(elsewhere.status).toBe(200);
    // Those above the limit are recorded once in a while, not each.
    expect(admin.entries.filter(({ status }) => status === 429)).toHaveLength(1);
  });

  it('a page of another site gets no CORS header, and no answer to its preflight', async () => {
    await using admin = await startAdmin();
    const preflight = await fetch(`http://127.0.0.1:${admin.port}/admin/kick`, {
      method: 'OPTIONS',
      headers: { origin: 'https://evil.example', 'access-control-request-method': 'POST' },
    });
    expect(preflight.status).toBe(401);
    const read = await admin.ask('connections', { headers: { origin: 'https://evil.example' } });
    for (const { headers } of [preflight, read])
      expect([...headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([]);
    await preflight.text();
  });
});

describe('what makes no sense', () => {
  it.each<[string, string, unknown, number]>([
    ['an unknown action', 'explode', {}, 404],
    ['an action by the wrong method', 'connections', {}, 405],
    ['a ban of nobody', 'ban', {}, 400],
    ['a ban of both', 'ban', { address: '1.1.1.1', identity: 'ada' }, 400],
    ['a ban of no address', 'ban', { address: 'localhost' }, 400],
    ['a ban for no time', 'ban', { identity: 'ada', forMs: 0 }, 400],
    ['a ban for a text', 'ban', { identity: 'ada', forMs: 'long' }, 400],
    ['a ban with a novel', 'ban', { identity: 'ada', reason: 'x'.repeat(101) }, 400],
    ['a kick of a number', 'kick', { id: 1 }, 400],
    ['a broadcast of nothing', 'broadcast', { topic: 't' }, 400],
    ['a list', 'kick', [], 400],
    ['a drain in no time', 'drain', { withinMs: 0 }, 400],
    ['a body without end', 'broadcast', { topic: 't', payload: 'x'.repeat(2_000_000) }, 413],
  ])('is refused, and recorded: %s', async (_case, path, body, status) => {
    await using admin = await startAdmin();
    expect((await admin.post(path, body)).status).toBe(status);
    expect(admin.entries).toMatchObject([{ outcome: 'refused', status }]);
  });

  it('is refused where it is no JSON, or comes as a form', async () => {
    await using admin = await startAdmin();
    expect((await admin.ask('kick', { method: 'POST', body: '{' })).status).toBe(400);
    const form = { 'content-type': 'application/x-www-form-urlencoded' };
    expect((await admin.post('kick', {}, form)).status).toBe(415);
  });

  it('survives what is hardly HTTP', async () => {
    await using admin = await startAdmin();
    const socket = connect(admin.port, '127.0.0.1');
    socket.write(`GET // HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${secret}\r\n\r\n`);
    const [line] = (await new Promise<Buffer>((resolve) => socket.once('data', resolve)))
      .toString()
      .split('\r\n');
    expect(line).toContain('404');
    socket.destroy();
    expect((await admin.get('connections?limit=x')).status).toBe(400);
    expect((await admin.get('connections?limit=1001')).status).toBe(400);
  });
});

describe('the audit log', () => {
  it('is a file of lines, to which only is appended, and that can be moved away', async () => {
    const path = join(dir, 'audit.jsonl');
    await writeFile(path, '{"earlier":true}\n', { mode: 0o600 });
    await using admin = await startAdmin({}, path);
    await Promise.all([admin.post('unban', { identity: 'ada' }), admin.get('bans'), admin.get('nothing')]);
    const lines = (await readFile(path, 'utf8'))
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as AuditEntry);
    expect(lines[0]).toEqual({ earlier: true });
    expect(lines).toHaveLength(6);
    const [accepted, done] = lines.filter(({ action }) => action === 'unban');
    expect(accepted).toMatchObject({ outcome: 'accepted', details: { kind: 'identity', value: 'ada' } });
    expect(done).toMatchObject({ outcome: 'done', status: 200, id: accepted!.id });
    await rename(path, `${path}.1`);
    await admin.get('bans');
    expect((await readFile(path, 'utf8')).trimEnd().split('\n')).toHaveLength(2);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
  });

  it('never holds a secret, a token or a payload', async () => {
    const path = join(dir, 'audit.jsonl');
    await using admin = await startAdmin({}, path);
    await admin.running.client(as('canary-token', '203.0.113.1'));
    await admin.post('broadcast', { topic: 't', payload: 'canary-payload' });
    await admin.post(`${secret}`, {});
    await admin.get(`connections?secret=${secret}`);
    await admin.post('kick', { id: '1' }, { authorization: 'Bearer canary-guess' });
    const written = (await readFile(path, 'utf8')) + admin.running.logger.lines.join('\n');
    for (const canary of [secret, 'canary-guess', 'canary-payload']) expect(written).not.toContain(canary);
  });

  it('that cannot be written refuses the action', async () => {
    await using admin = await startAdmin({}, join(dir, 'missing', 'audit.jsonl'));
    const client = await admin.running.client(as('ada', '203.0.113.1'));
    const { status, body } = await admin.post('kick', { identity: 'ada' });
    expect([status, body]).toMatchObject([503, { error: 'audit-failed' }]);
    await client.roundTrip();
    expect(admin.running.logger.lines.some((line) => line.includes('the audit log cannot be written'))).toBe(
      true,
    );
  });

  it('of the app that does not answer refuses the action', async () => {
    const never: AuditSink = () => new Promise<never>(() => undefined);
    await using admin = await startAdmin({ limits: { hookTimeoutMs: 30 } }, never);
    const client = await admin.running.client(as('ada', '203.0.113.1'));
    expect((await admin.post('kick', { identity: 'ada' })).status).toBe(503);
    await client.roundTrip();
  });

  it('has what was done even where it fails afterwards', async () => {
    const entries: AuditEntry[] = [];
    const sink: AuditSink = (entry) => {
      if (entry.outcome !== 'accepted') throw new Error('full');
      entries.push(entry);
    };
    await using admin = await startAdmin({}, sink);
    expect((await admin.post('unban', { identity: 'ada' })).status).toBe(200);
    expect(entries).toMatchObject([{ action: 'unban', outcome: 'accepted' }]);
  });
});

it.each([
  [{ secret: 'short', audit: 'x' }, 'at least 32 characters'],
  [{ secret: `${secret} with spaces`, audit: 'x' }, 'fit into a header'],
  [{ secret }, 'audit must be'],
  [{ secret, audit: '' }, 'audit must be'],
  [{ secret, audit: 'x', path: 'admin' }, 'path must start'],
])('cannot be set up with %j', (options, message) => {
  expect(() => createServer().admin(options as never)).toThrow(message);
});
