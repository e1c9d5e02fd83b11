import { readFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { describe, expect, it } from 'vitest';
import * as closeCodes from '../../src/protocol/close-codes.ts';
import { errorData } from '../../src/protocol/errors.ts';
import { connectionTransition } from './connection.ts';
import type { Connection, ConnectionInput } from './connection-types.ts';
import { at, testConfig } from './testing/config.ts';
import { arrowsOf, observe } from './testing/diagram.ts';

const error = errorData('disconnected', 'lost', { retryable: true });
const dial = 3;
const last = testConfig.backoff.maxAttempts - 1;
const now = 50_000;

/** Every state, with values on both sides of whatever it decides by. */
const states: readonly Connection[] = [
  { state: 'idle', dial, attempt: 0 },
  ...[0, last].flatMap((attempt): Connection[] => [
    { state: 'connecting', dial, attempt, credentials: null },
    { state: 'connecting', dial, attempt, credentials: 'none' },
    { state: 'connecting', dial, attempt, credentials: { token: 't' } },
    { state: 'handshaking', dial, attempt },
    { state: 'open', dial, attempt },
    { state: 'draining', dial, attempt, retryAfterMs: 700 },
    { state: 'backoff', dial, attempt, retryAt: now + 1, isServerDelay: false, error },
    { state: 'backoff', dial, attempt, retryAt: now + 1e6, isServerDelay: false, error },
    { state: 'backoff', dial, attempt, retryAt: now + 1e6, isServerDelay: true, error },
    { state: 'suspended', dial, attempt, wakenBy: 'any', error },
    { state: 'suspended', dial, attempt, wakenBy: 'app', error },
  ]),
];

const codes = [...Object.values(closeCodes), 3000];

const inputs: readonly ConnectionInput[] = [
  ...(['start', 'stop', 'reconnect', 'wake', 'elapsed', 'drained'] as const).map((kind) => ({ kind })),
  { kind: 'token', dial, credentials: 'none' },
  { kind: 'token', dial, credentials: { token: 'x' } },
  { kind: 'no-token', dial, error },
  { kind: 'opened', dial },
  { kind: 'welcome', dial },
  ...codes.map((code) => ({ kind: 'dead', dial, code, reason: '' }) as const),
  ...codes.map((code) => ({ kind: 'lost', dial, code, reason: '' }) as const),
  { kind: 'goaway', dial, retryAfterMs: 100 },
];

/** The diagram says `token` for its being given and for its being refused. */
const inputName = ({ kind }: ConnectionInput) => (kind === 'no-token' ? 'token' : kind);

describe('the diagram of the connection', () => {
  it('is what the code does', () => {
    const diagram = arrowsOf(readFileSync(new URL('connection-types.ts', import.meta.url), 'utf8'));
    const step = (state: Connection, input: ConnectionInput) =>
      connectionTransition(state, input, { config: testConfig, context: at(now) });
    const observed = observe({ states, inputs, step, nameOf: inputName, isEqual: isDeepStrictEqual });
    expect(observed.compare(diagram)).toEqual({ undrawn: [], unseen: [] });
  });
});

describe('an input of an earlier dial', () => {
  const stale = inputs.filter((input) => 'dial' in input).map((input) => ({ ...input, dial: dial - 1 }));

  it.each(states)('changes nothing in $state', (state) => {
    for (const input of stale) {
      const step = connectionTransition(state, input, { config: testConfig, context: at(now) });
      expect(step).toEqual({ state, effects: [] });
    }
  });
});
