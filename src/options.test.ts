import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { checkName, positive, readOptions } from './options.ts';
import { ConnectionError } from './protocol/errors.ts';
import type { ConnectOptions } from './types.ts';

const defaultWorker = new URL('https://app.test/assets/worker.js');
const read = (url: string | URL, options: ConnectOptions = {}) => readOptions(url, options, defaultWorker);

/** Options that TypeScript would not let pass. */
const bad = (options: object) => () => read('wss://a.test/', options as ConnectOptions);

beforeEach(() => void vi.stubGlobal('location', { href: 'https://app.test/shop/cart' }));
afterEach(() => vi.unstubAllGlobals());

describe('the URL', () => {
  it.each([
    ['wss://a.test/x?y=1#z', 'wss://a.test/x?y=1'],
    ['ws://a.test', 'ws://a.test/'],
    ['https://a.test/x', 'wss://a.test/x'],
    ['http://a.test:8080/x', 'ws://a.test:8080/x'],
    ['/realtime', 'wss://app.test/realtime'],
    ['realtime', 'wss://app.test/shop/realtime'],
  ])('%s becomes %s', (given, expected) => {
    expect(read(given).hub.url).toBe(expected);
    expect(read(new URL(given, 'https://app.test/shop/')).hub.url).toBe(expected);
  });

  it.each(['ftp://a.test/', 'file:///x', 'data:,x', 'wsx://a.test/', 'http://[', 'https://a b/'])(
    'is refused as %s',
    (given) => {
      expect(() => read(given)).toThrow(expect.objectContaining({ code: 'invalid-option' }));
      expect(() => read(given)).toThrow(/^url/);
    },
  );
});

describe('the name of the hub', () => {
  it('is made of the URL without query and fragment by default', () => {
    expect(read('wss://a.test/x?y=1#z').hubName).toBe('onesocket:wss://a.test/x');
  });

  it('may be given', () => {
    expect(read('wss://a.test/', { name: 'orders' }).hubName).toBe('onesocket:orders');
  });

  it('is another one for each identity', () => {
    const hubName = (identity?: string) =>
      read('wss://a.test/', { name: 'n', ...(identity && { identity }) }).hubName;
    expect(hubName('ann')).toBe('onesocket:n#ann');
    expect(hubName('a#b:ä😀')).toBe('onesocket:n#a%23b%3A%C3%A4%F0%9F%98%80');
    expect(new Set([undefined, 'ann', 'Ann', 'ann ', 'ann:hub'].map(hubName)).size).toBe(5);
  });
});

describe('the worker', () => {
  it('lies beside the module by default, and may lie elsewhere', () => {
    expect(read('wss://a.test/').worker).toBe(defaultWorker.href);
    expect(read('wss://a.test/', { worker: '/w.js' }).worker).toBe('https://app.test/w.js');
  });
});

describe('the host', () => {
  it('is tried in an order, or is the one that is given', () => {
    expect(read('wss://a.test/').hosts).toEqual(['shared-worker', 'dedicated-worker', 'page']);
    expect(read('wss://a.test/', { host: 'page' }).hosts).toEqual(['page']);
  });
});

describe('an option that is wrong', () => {
  it.each<[string, object]>([
    ['name', { name: '' }],
    ['name', { name: 'x'.repeat(129) }],
    ['name', { name: 7 }],
    ['name', { name: 'a#b' }],
    ['identity', { identity: '' }],
    ['identity', { identity: 'x'.repeat(257) }],
    ['identity', { identity: 5 }],
    ['identity', { identity: '\ud800' }],
    ['durability', { durability: 'memory' }],
    ['durability', { durability: null }],
    ['host', { host: 'unshared' }],
    ['host', { host: null }],
    ['auth', { auth: '' }],
    ['auth', { auth: 5 }],
    ['auth', { auth: {} }],
    ['auth', { auth: 'x', tokenBy: 'cookie' }],
    ['auth', { tokenBy: 'subprotocol' }],
    ['auth', { tokenBy: 'query' }],
    ['tokenBy', { auth: 'x', tokenBy: 'header' }],
    ['worker', { worker: 'blob:https://app.test/1' }],
    ['worker', { worker: 'data:text/javascript,' }],
    ['worker', { worker: 'http://[' }],
    ['connectTimeoutMs', { connectTimeoutMs: 0 }],
    ['connectTimeoutMs', { connectTimeoutMs: {} }],
    ['handshakeTimeoutMs', { handshakeTimeoutMs: Number.NaN }],
    ['heartbeat', { heartbeat: 30_000 }],
    ['heartbeat', { heartbeat: null }],
    ['heartbeat.intervalMs', { heartbeat: { intervalMs: -1 } }],
    ['heartbeat.timeoutMs', { heartbeat: { timeoutMs: '10' } }],
    ['backoff', { backoff: 'fast' }],
    ['backoff.baseMs', { backoff: { baseMs: 2 ** 31 } }],
    ['backoff.maxMs', { backoff: { maxMs: Infinity } }],
    ['backoff.maxAttempts', { backoff: { maxAttempts: 0 } }],
    ['backoff.stableMs', { backoff: { stableMs: {} } }],
    ['queue.maxEntries', { queue: { maxEntries: null } }],
    ['queue.maxBytes', { queue: { maxBytes: false } }],
    ['queue.maxAgeMs', { queue: { maxAgeMs: 0 } }],
    ['queue.whenFull', { queue: { whenFull: 'drop' } }],
    ['queue.whenFull', { queue: { whenFull: 1 } }],
  ])('is named: %s', (name, options) => {
    expect(bad(options)).toThrow(ConnectionError);
    expect(bad(options)).toThrow(expect.objectContaining({ code: 'invalid-option', retryable: false }));
    expect(bad(options)).toThrow(new RegExp(`^${name.replace('.', String.raw`\.`)} must be `));
  });
});

describe('options that are right', () => {
  it('go to the hub as they are, which knows the defaults', () => {
    const options = {
      heartbeat: { intervalMs: 1 },
      backoff: { baseMs: 5, maxMs: 2 ** 31 - 1, maxAttempts: undefined },
      connectTimeoutMs: 9,
      queue: { maxEntries: 5, maxAgeMs: 7, whenFull: 'block' },
      durability: 'relaxed',
      identity: 'ann',
    };
    expect(read('wss://a.test/', options as unknown as ConnectOptions).hub).toMatchObject(options);
  });

  it('may leave everything out', () => {
    expect(() =>
      read('wss://a.test/', { auth: undefined, heartbeat: undefined } as unknown as ConnectOptions),
    ).not.toThrow();
    expect(read('wss://a.test/', { auth: () => 'token' }).auth).toBeTypeOf('function');
  });
});

describe('a check', () => {
  it('says what a value must be', () => {
    expect(() => positive('ttlMs', 0)).toThrow(/^ttlMs must be above 0 and at most 2147483647$/);
    expect(() => checkName('topic', 'abc', 2)).toThrow(/^topic must be a string of 1 to 2 characters/);
    expect(() => positive('ttlMs', 0.5)).not.toThrow();
    expect(() => checkName('topic', 'ab', 2)).not.toThrow();
  });
});
