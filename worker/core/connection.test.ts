import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { closeAction, closeActions, type CloseAction } from '../../src/protocol/close-action.ts';
import * as closeCodes from '../../src/protocol/close-codes.ts';
import { errorData, type ConnectionErrorCode } from '../../src/protocol/errors.ts';
import { connectionTransition, idleConnection, sessionDial } from './connection.ts';
import type { Connection, ConnectionEffect, ConnectionInput, ConnectionStep } from './connection-types.ts';
import * as coreLimits from './limits.ts';
import { at, testConfig } from './testing/config.ts';

const { backoff, connectTimeoutMs, handshakeTimeoutMs } = testConfig;
const error = errorData('disconnected', 'lost', { retryable: true });
const now = 1_000_000;

const step = (connection: Connection, input: ConnectionInput, context = at(now)): ConnectionStep =>
  connectionTransition(connection, input, { config: testConfig, context });

const open = (attempt = 0): Connection => ({ state: 'open', dial: 7, attempt });
const suspended = (wakenBy: 'any' | 'app'): Connection => ({
  state: 'suspended',
  dial: 7,
  attempt: 4,
  wakenBy,
  error,
});
const backedOff = (retryAt: number, attempt = 2, isServerDelay = false): Connection => ({
  state: 'backoff',
  dial: 7,
  attempt,
  retryAt,
  isServerDelay,
  error,
});
const lost = (code: number, reason = ''): ConnectionInput => ({ kind: 'lost', dial: 7, code, reason });

const timer = (delayMs: number): ConnectionEffect => ({ kind: 'start-timer', timer: 'connection', delayMs });
const hangUp = (code: number, reason: string): ConnectionEffect => ({
  kind: 'hang-up',
  dial: 7,
  code,
  reason,
});
const cancelTimer: ConnectionEffect = { kind: 'cancel-timer', timer: 'connection' };

describe('the way to an open connection', () => {
  it('asks for a token, dials, greets, and counts the time that it is open', () => {
    const asked = step(idleConnection, { kind: 'start' });
    expect(asked.effects).toEqual([{ kind: 'get-token', dial: 1 }, timer(connectTimeoutMs)]);
    const credentials = { token: 'secret' };
    const dialled = step(asked.state, { kind: 'token', dial: 1, credentials });
    expect(dialled.effects).toEqual([{ kind: 'dial', dial: 1 }, timer(connectTimeoutMs)]);
    const opened = step(dialled.state, { kind: 'opened', dial: 1 });
    expect(opened.effects).toEqual([{ kind: 'greet', dial: 1, credentials }, timer(handshakeTimeoutMs)]);
    const welcomed = step(opened.state, { kind: 'welcome', dial: 1 });
    expect(welcomed).toEqual({
      state: { state: 'open', dial: 1, attempt: 0 },
      effects: [timer(backoff.stableMs)],
    });
  });

  it('keeps the token no longer than it takes to say it', () => {
    const dialled: Connection = {
      state: 'connecting',
      dial: 7,
      attempt: 0,
      credentials: { token: 'secret' },
    };
    const { state } = step(dialled, { kind: 'opened', dial: 7 });
    expect(JSON.stringify(state)).not.toContain('secret');
  });

  it('takes the first token only', () => {
    const dialled: Connection = { state: 'connecting', dial: 7, attempt: 0, credentials: { token: 'first' } };
    expect(step(dialled, { kind: 'token', dial: 7, credentials: { token: 'second' } })).toEqual({
      state: dialled,
      effects: [],
    });
  });

  it.each([
    ['no token', null, 'no token in time'],
    ['no socket', 'none', 'no socket in time'],
  ] as const)('ends in time with %s', (_, credentials, message) => {
    const { state, effects } = step(
      { state: 'connecting', dial: 7, attempt: 1, credentials },
      { kind: 'elapsed' },
    );
    expect(state).toMatchObject({
      state: 'backoff',
      attempt: 2,
      error: { code: 'timeout', message: expect.stringMatching(message) },
    });
    expect(effects).toEqual([hangUp(closeCodes.normal, 'timeout'), timer(2_000)]);
  });

  it('ends in time without a welcome, with a code that says so', () => {
    const { state, effects } = step({ state: 'handshaking', dial: 7, attempt: 0 }, { kind: 'elapsed' });
    expect(state).toMatchObject({ state: 'backoff', attempt: 1, error: { code: 'timeout' } });
    expect(effects[0]).toEqual(hangUp(closeCodes.handshakeTimeout, 'no welcome in time'));
  });
});

/** What each code means to the connection, and to the app. */
const actions: { readonly [A in CloseAction]: readonly number[] } = {
  ...closeActions,
  retry: [0, 1004, 1014, 1015, 3000, 4000, 4999, ...Object.values(closeCodes)].filter(
    (code) => !Object.values(closeActions).flat().includes(code),
  ),
};
const codeTable = Object.entries(actions).flatMap(([action, codes]) =>
  codes.map((code) => ({ action, code })),
);
const ownErrors: { readonly [code: number]: ConnectionErrorCode } = {
  [closeCodes.unauthenticated]: 'auth-failed',
  [closeCodes.forbidden]: 'forbidden',
  [closeCodes.policyViolation]: 'forbidden',
  [closeCodes.unsupportedVersion]: 'unsupported-version',
};

describe('a close code', () => {
  it('has one action at most', () => {
    const named = Object.values(closeActions).flat();
    expect(new Set(named).size).toBe(named.length);
  });

  it.each(codeTable)('$code means $action', ({ action, code }) => {
    expect(closeAction(code)).toBe(action);
    const { state } = step(open(1), lost(code, 'why'));
    const stops = action === 'stop';
    expect(state).toMatchObject({
      error: {
        code: ownErrors[code] ?? (stops ? 'protocol' : 'disconnected'),
        message: expect.stringContaining(`closed with ${code}: why`),
        retryable: !stops,
        detail: String(code),
      },
      ...(stops
        ? { state: 'suspended', wakenBy: 'app', attempt: 1 }
        : { state: 'backoff', attempt: 2, retryAt: now + (action === 'retry-later' ? 30_000 : 2_000) }),
    });
  });

  it('that the hub chose itself is sent before anything else', () => {
    const code = closeCodes.heartbeatTimeout;
    const { effects } = step(open(), { kind: 'dead', dial: 7, code, reason: 'no answer' });
    expect(effects).toEqual([hangUp(code, 'no answer'), timer(1_000)]);
  });
});

describe('failed attempts', () => {
  const fail = (attempt: number) =>
    step({ state: 'handshaking', dial: 7, attempt }, lost(closeCodes.abnormal));

  it('wait longer and longer, and then suspend the connection', () => {
    const waits = [0, 1, 2].map((attempt) => fail(attempt).effects);
    expect(waits).toEqual([[timer(1_000)], [timer(2_000)], [timer(4_000)]]);
    expect(fail(3)).toEqual({
      state: expect.objectContaining({ state: 'suspended', attempt: 4, wakenBy: 'any' }),
      effects: [cancelTimer],
    });
  });

  it('count from zero only after the connection was open for long enough', () => {
    const welcomed = step({ state: 'handshaking', dial: 7, attempt: 3 }, { kind: 'welcome', dial: 7 });
    expect(welcomed.state.attempt).toBe(3);
    expect(step(welcomed.state, lost(closeCodes.abnormal)).state.state).toBe('suspended');
    const stable = step(welcomed.state, { kind: 'elapsed' });
    expect(stable).toEqual({ state: open(0), effects: [] });
    expect(step(stable.state, lost(closeCodes.abnormal)).state).toMatchObject({
      state: 'backoff',
      attempt: 1,
    });
  });

  it('carry over from the backoff into the next attempt', () => {
    expect(step(backedOff(now, 2), { kind: 'elapsed' }).state).toMatchObject({
      state: 'connecting',
      attempt: 2,
      dial: 8,
    });
  });

  it('end with a suspended connection within the maximum, whatever happens', () => {
    const codes = fc.constantFrom(...Object.values(closeCodes));
    fc.assert(
      fc.property(fc.array(codes, { minLength: backoff.maxAttempts }), (sequence) => {
        let connection: Connection = step(idleConnection, { kind: 'start' }).state;
        for (const code of sequence) {
          const { dial } = connection;
          connection = step(connection, { kind: 'lost', dial, code, reason: '' }).state;
          if (connection.state === 'backoff') connection = step(connection, { kind: 'elapsed' }).state;
        }
        expect(connection.state).toBe('suspended');
      }),
    );
  });
});

describe('a goaway', () => {
  const draining = step(open(1), { kind: 'goaway', dial: 7, retryAfterMs: 12_345 });
  const later = { state: { state: 'backoff', attempt: 1, retryAt: now + 12_345 } };

  it('drains for a bounded time', () => {
    expect(draining).toEqual({
      state: { state: 'draining', dial: 7, attempt: 1, retryAfterMs: 12_345 },
      effects: [timer(coreLimits.drainMs)],
    });
  });

  it.each([{ kind: 'drained' }, { kind: 'elapsed' }] as const)(
    'ends with $kind, and its delay wins',
    (input) => {
      const done = step(draining.state, input);
      expect(done).toMatchObject(later);
      expect(done.effects).toEqual([hangUp(closeCodes.normal, 'drained'), timer(12_345)]);
    },
  );

  it.each([0, 1, 999, 1_000, 1_001])('that asks for %i ms waits a first attempt at least', (retryAfterMs) => {
    const { state } = step(open(1), { kind: 'goaway', dial: 7, retryAfterMs });
    const waitMs = Math.max(retryAfterMs, backoff.baseMs);
    for (const input of [{ kind: 'drained' }, { kind: 'elapsed' }, lost(1006)] as const) {
      const done = step(state, input);
      expect(done.state).toMatchObject({ state: 'backoff', attempt: 1, retryAt: now + waitMs });
      expect(done.effects).toContainEqual(timer(waitMs));
    }
  });

  it('that names no time spreads the hubs of many browsers', () => {
    const { state } = step(open(1), { kind: 'goaway', dial: 7, retryAfterMs: 0 });
    const waits = [0, 0.25, 0.75].map((random) => {
      const done = step(state, { kind: 'drained' }, at(now, random)).state;
      return done.state === 'backoff' && done.retryAt - now;
    });
    expect(waits).toEqual([0.5, 0.75, 1.25].map((factor) => factor * backoff.baseMs));
  });

  it.each([1000, 1006, 1012, 1013, 4419])('wins over the delay of the close code %i', (code) => {
    expect(step(draining.state, lost(code))).toMatchObject(later);
  });

  it('does not win over a close code that says to stop', () => {
    expect(step(draining.state, lost(closeCodes.forbidden)).state).toMatchObject({
      state: 'suspended',
      wakenBy: 'app',
    });
  });
});

describe('a wake-up', () => {
  it('shortens a long wait to that of a first attempt', () => {
    expect(step(backedOff(now + 30_000), { kind: 'wake' })).toEqual({
      state: backedOff(now + 1_000),
      effects: [timer(1_000)],
    });
  });

  it('never lengthens the wait', () => {
    fc.assert(
      fc.property(fc.nat(60_000), fc.double({ min: 0, max: 0.999, noNaN: true }), (waitMs, random) => {
        const before = backedOff(now + waitMs);
        const { state, effects } = step(before, { kind: 'wake' }, at(now, random));
        const retryAt = state.state === 'backoff' ? state.retryAt : Infinity;
        expect(retryAt).toBeLessThanOrEqual(now + waitMs);
        const delayMs: unknown = expect.closeTo(retryAt - now, 6);
        expect(effects).toEqual(retryAt < now + waitMs ? [{ ...timer(0), delayMs }] : []);
      }),
    );
  });

  it('does not shorten a delay that the server asked for', () => {
    const asked = backedOff(now + 30_000, 2, true);
    expect(step(asked, { kind: 'wake' })).toEqual({ state: asked, effects: [] });
    const drained = step(step(open(), { kind: 'goaway', dial: 7, retryAfterMs: 9_000 }).state, {
      kind: 'drained',
    });
    expect(step(drained.state, { kind: 'wake' }).state).toMatchObject({ retryAt: now + 9_000 });
    expect(step(asked, { kind: 'reconnect' }).state.state).toBe('connecting');
  });

  it('begins anew from a suspension, unless that is for the app to end', () => {
    expect(step(suspended('any'), { kind: 'wake' }).state).toMatchObject({ state: 'connecting', attempt: 0 });
    expect(step(suspended('app'), { kind: 'wake' })).toEqual({ state: suspended('app'), effects: [] });
  });
});

describe('a reconnect', () => {
  it.each([suspended('any'), suspended('app'), backedOff(now + 9_000)])(
    'begins anew from $state',
    (state) => {
      const { state: next, effects } = step(state, { kind: 'reconnect' });
      expect(next).toMatchObject({ state: 'connecting', dial: 8, attempt: 0 });
      expect(effects).toEqual([{ kind: 'get-token', dial: 8 }, timer(connectTimeoutMs)]);
    },
  );

  it('closes the open socket first', () => {
    const { state, effects } = step(open(), { kind: 'reconnect' });
    expect(state).toMatchObject({ state: 'connecting', dial: 8 });
    expect(effects.map(({ kind }) => kind)).toEqual(['hang-up', 'get-token', 'start-timer']);
    expect(effects[0]).toEqual(hangUp(closeCodes.normal, 'reconnect'));
  });

  it('does not disturb an attempt under way', () => {
    const connecting: Connection = { state: 'connecting', dial: 7, attempt: 0, credentials: null };
    expect(step(connecting, { kind: 'reconnect' })).toEqual({ state: connecting, effects: [] });
  });
});

describe('sessionDial', () => {
  it('is the dial of a connection that carries a session', () => {
    expect(sessionDial(open())).toBe(7);
    expect(sessionDial({ state: 'draining', dial: 7, attempt: 0, retryAfterMs: 0 })).toBe(7);
    expect([idleConnection, backedOff(0), suspended('any')].map(sessionDial)).toEqual([null, null, null]);
    expect(sessionDial({ state: 'handshaking', dial: 7, attempt: 0 })).toBeNull();
  });
});
