import { describe, expect, it } from 'vitest';
import { ConnectionError } from '../src/protocol/errors.ts';
import { createServer } from './create-server.ts';
import type { ServerOptions } from './options.ts';
import { recordingLogger } from './test-kit.ts';

const ban = (more: object) => ({
  kind: 'identity',
  value: 'eve',
  until: 1,
  reason: 'spam',
  by: 'admin',
  ...more,
});

describe('createServer', () => {
  it.each<[string, unknown]>([
    ['the options must be an object', null],
    ['unknown option colour', { colour: 1 }],
    ['authenticate must be a function', { authenticate: true }],
    ['authorize must be a function', { authorize: {} }],
    ['onPublish must be a function', { onPublish: 'no' }],
    ['requests must be an object', { requests: [] }],
    ["requests['a'] must be a function", { requests: { a: 1 } }],
    ['a method of requests', { requests: { ['x'.repeat(129)]: () => 1 } }],
    ['limits must be an object', { limits: 5 }],
    ['unknown limit speed', { limits: { speed: 1 } }],
    ['limits.window must be an integer from 1 to 1024', { limits: { window: 2000 } }],
    ['limits.historyBytes must be', { limits: { historyBytes: 0 } }],
    ['limits.requestTimeoutMs must be', { limits: { requestTimeoutMs: 2 ** 31 } }],
    ['limits.topics must be', { limits: { topics: undefined } }],
    ['heartbeatMs must be', { heartbeatMs: 0.5 }],
    ['heartbeatMs must be', { heartbeatMs: 2 ** 31 }],
    ['origins must be a list', { origins: 'https://a.example' }],
    ['is not an origin', { origins: ['https://a.example/'] }],
    ['is not an origin', { origins: ['a.example'] }],
    ['is not an origin', { origins: ['*'] }],
    ['trustedProxies must be a list', { trustedProxies: '10.0.0.1' }],
    ['trustedProxies: proxy.example', { trustedProxies: ['proxy.example'] }],
    ['bans must be an object', { bans: [] }],
    ['unknown option bans.store', { bans: { store: {} } }],
    ['bans.onBan must be a function', { bans: { onBan: true } }],
    ['bans.known must be a list of bans', { bans: { known: {} } }],
    ['bans.known must be a list of bans', { bans: { known: [{ kind: 'identity', value: 'eve' }] } }],
    ['bans.known must be a list of bans', { bans: { known: [ban({ kind: 'address', value: 'eve' })] } }],
    [
      'bans.known must be a list of bans',
      { bans: { known: [ban({ kind: 'address', value: '2001:db8::1' })] } },
    ],
    ['bans.known must be a list of bans', { bans: { known: [ban({ until: '2026-01-01' })] } }],
    ['bans.known must be a list of bans', { bans: { known: [ban({ reason: 'x'.repeat(101) })] } }],
    ['compression must be an object', { compression: true }],
    ['overloaded must be a function', { overloaded: true }],
    ['limits.maxFrameBytes must be', { limits: { maxFrameBytes: 2 ** 31 } }],
    ['limits.strikes must be', { limits: { strikes: 0 } }],
    ['logger has no method debug', { logger: {} }],
    ['backbone has no method publish', { backbone: {} }],
  ])('refuses with: %s', (message, options) => {
    let error: unknown;
    try {
      createServer(options as ServerOptions);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(ConnectionError);
    expect(error).toMatchObject({
      code: 'invalid-option',
      message: expect.stringContaining(message) as string,
    });
  });

  it('attaches only to HTTP servers, at a path', () => {
    const server = createServer({ logger: recordingLogger() });
    expect(() => server.attach({} as never)).toThrow('attach needs an HTTP server');
    expect(() => server.attach({ on: () => undefined } as never, { path: 'realtime' })).toThrow(
      'path must start',
    );
  });

  it('does without options', async () => {
    const server = createServer();
    expect(server.stats().connections).toBe(0);
    await server.publish('t', 1);
    expect(server.stats()).toMatchObject({ published: 1, accepted: 1 });
  });
});
