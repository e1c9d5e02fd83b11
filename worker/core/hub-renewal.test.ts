import { describe, expect, it } from 'vitest';
import * as closeCodes from '../../src/protocol/close-codes.ts';
import { errorData } from '../../src/protocol/errors.ts';
import { completeConfig } from './config.ts';
import type { HubConfig } from './hub-api.ts';
import * as coreLimits from './limits.ts';
import { HubDriver } from './testing/hub-driver.ts';

const minute = 60_000;
/** What the server's clock shows: another time than that of the hub. */
const serverTime = 5_000;

const granted = (expiresInMs: number) =>
  ({
    type: 'auth-ok',
    ts: serverTime,
    payload: { identity: 'me', expiresAt: serverTime + expiresInMs },
  }) as const;

/** A hub with a token that the server took for so long. */
function withToken(expiresInMs: number, config: Partial<HubConfig> = {}): HubDriver {
  const driver = new HubDriver(config);
  driver.attach('a', { hasAuth: true });
  driver.run({ kind: 'token', dial: 1, credentials: { token: 'first' } });
  driver.open();
  driver.frame(granted(expiresInMs));
  driver.welcome();
  return driver;
}

const asked = (driver: HubDriver) => driver.all('get-token').length;
const give = (driver: HubDriver, token: string) =>
  driver.run({ kind: 'token', dial: driver.hub.connection.dial, credentials: { token } });
const auths = (driver: HubDriver) =>
  driver
    .all('send')
    .flatMap(({ envelopes }) =>
      envelopes.flatMap(({ head }) =>
        head.type === 'auth' && 'payload' in head ? [head.payload.token] : [],
      ),
    );

describe('a token that expires', () => {
  it('is replaced over the open connection, by the clock of the server', () => {
    const driver = withToken(6_000);
    driver.advance(2_999);
    expect(asked(driver)).toBe(1);
    driver.advance(1);
    expect(driver.all('get-token').at(-1)).toEqual({ kind: 'get-token', dial: 1, tabIds: ['a'] });
    give(driver, 'second');
    expect(auths(driver)).toEqual(['first', 'second']);
    driver.frame(granted(6_000));
    driver.advance(3_000);
    expect(asked(driver)).toBe(3);
    expect(driver.all('dial')).toHaveLength(1);
    expect(driver.state).toBe('open');
  });

  it('is replaced at once when the server says so', () => {
    const driver = withToken(10 * minute);
    driver.advance(5_000);
    driver.frame({ type: 'expiring', payload: { expiresAt: 1 } });
    expect(asked(driver)).toBe(2);
  });

  it('shows in the status while no tab has a new one, and no more once one has', () => {
    const driver = withToken(4_000);
    driver.advance(2_000);
    const error = errorData('auth-failed', 'offline', { retryable: true });
    driver.run({ kind: 'no-token', dial: 1, error });
    expect(driver.status).toMatchObject({ state: 'open', lastError: error });
    driver.advance(1_000);
    give(driver, 'second');
    driver.frame(granted(minute));
    expect(driver.status.lastError).toBeNull();
  });

  it('is not replaced before the welcome', () => {
    const driver = new HubDriver();
    driver.attach('a', { hasAuth: true });
    give(driver, 'first');
    driver.open();
    driver.frame(granted(1_500));
    driver.advance(1_000);
    expect(asked(driver)).toBe(1);
    driver.welcome();
    driver.advance(coreLimits.refreshMinMs);
    expect(asked(driver)).toBe(2);
  });

  it('ends in a new connection with a new token, where none came in time', () => {
    const driver = withToken(2_000);
    driver.advance(1_000);
    expect(asked(driver)).toBe(2);
    driver.lost(closeCodes.tokenExpired);
    expect(driver.state).toBe('backoff');
    // What the tab was asked for comes too late, for a connection that is no more.
    give(driver, 'late');
    driver.advance(driver.dueIn('connection')!);
    expect(asked(driver)).toBe(3);
    expect(driver.dueIn('renewal')).toBeNull();
    driver.run({ kind: 'token', dial: 1, credentials: { token: 'later still' } });
    give(driver, 'third');
    driver.open();
    expect(auths(driver)).toEqual(['first', 'third']);
  });

  it.each([closeCodes.unauthenticated, closeCodes.forbidden])('is final when refused: %i', (code) => {
    const driver = withToken(2_000);
    driver.advance(1_000);
    give(driver, 'second');
    driver.lost(code);
    driver.advance(10 * minute);
    driver.ops('a', { kind: 'signal', signal: 'online' });
    expect([driver.state, asked(driver)]).toEqual(['suspended', 2]);
    driver.ops('a', { kind: 'reconnect', id: 'r' });
    expect(asked(driver)).toBe(3);
  });
});

describe('a token that comes with the upgrade', () => {
  it.each(['subprotocol', 'query'] as const)(
    'by %s is in the dial and in no message; the next one is in an auth',
    (tokenBy) => {
      const driver = withToken(4_000, { tokenBy });
      expect(driver.all('dial')).toEqual([{ kind: 'dial', dial: 1, token: 'first' }]);
      expect(auths(driver)).toEqual([]);
      expect(driver.all('send')[0]!.envelopes[0]!.head).toMatchObject({ payload: { auth: 'none' } });
      driver.advance(2_000);
      give(driver, 'second');
      expect(auths(driver)).toEqual(['second']);
    },
  );

  it('by cookie is asked of nobody; its end is that of the connection, and the next one begins anew', () => {
    const driver = new HubDriver({ tokenBy: 'cookie' });
    driver.attach('a');
    driver.open();
    driver.frame(granted(2_000));
    driver.welcome();
    driver.frame({ type: 'expiring', payload: { expiresAt: 1 } });
    driver.advance(2_000);
    expect([driver.state, asked(driver)]).toEqual(['open', 0]);
    driver.lost(closeCodes.tokenExpired);
    driver.reopen();
    expect(driver.state).toBe('open');
    expect(driver.all('dial')).toHaveLength(2);
  });

  it('comes as a message unless the app says otherwise', () => {
    expect(completeConfig({ url: 'ws://hub.test/' }).tokenBy).toBe('message');
  });
});
