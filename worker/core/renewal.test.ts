import { readFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as protocolLimits from '../../src/protocol/limits.ts';
import * as coreLimits from './limits.ts';
import { renewalTransition, type Renewal, type RenewalInput } from './renewal.ts';
import { arrowsOf, observe } from './testing/diagram.ts';

const now = 1_000_000_000;
const longAgo = now - 1_000_000;
const minute = 60_000;

const inputs: readonly RenewalInput[] = [
  ...[-1, 500, 10 * minute, Infinity].map((expiresInMs) => ({ kind: 'granted', expiresInMs }) as const),
  ...[now - 1, now + 500, Infinity].map((expiresAt) => ({ kind: 'offered', expiresAt }) as const),
  ...(['expiring', 'elapsed', 'no-token', 'stop'] as const).map((kind) => ({ kind })),
];

const states: readonly Renewal[] = [
  { state: 'off' },
  ...[now, longAgo].flatMap((askedAt) =>
    [now - 1, now + 10 * minute, Infinity].flatMap((expiresAt): Renewal[] => [
      { state: 'offered', askedAt, expiresAt },
      { state: 'asking', askedAt, expiresAt },
      ...[now - 1, now + minute, Infinity].map((dueAt): Renewal => ({
        state: 'held',
        askedAt,
        expiresAt,
        dueAt,
      })),
    ]),
  ),
];

const step = (state: Renewal, input: RenewalInput, at = now) => renewalTransition(state, input, at);
const offered = (expiresAt = Infinity, askedAt = longAgo): Renewal => ({
  state: 'offered',
  askedAt,
  expiresAt,
});
const delayAfter = (state: Renewal, expiresInMs: number) =>
  step(state, { kind: 'granted', expiresInMs }).effects.map(
    (effect) => 'delayMs' in effect && effect.delayMs,
  );

describe('the diagram of the renewal', () => {
  it('is what the code does', () => {
    const nameOf = ({ kind }: RenewalInput) => kind;
    const observed = observe({ states, inputs, step, nameOf, isEqual: isDeepStrictEqual });
    const diagram = arrowsOf(readFileSync(new URL('renewal.ts', import.meta.url), 'utf8'));
    expect(observed.compare(diagram)).toEqual({ undrawn: [], unseen: [] });
  });
});

describe('the next token', () => {
  it.each([
    ['a minute before its end', 10 * minute, 9 * minute],
    ['after half of a short life', 50_000, 25_000],
    ['a second later, however short it lives', 10, coreLimits.refreshMinMs],
  ])('is asked for %s', (_, expiresInMs, delayMs) => {
    expect(delayAfter(offered(Infinity, now), expiresInMs)).toEqual([delayMs]);
  });

  it('is asked for by the earlier of the two ends', () => {
    expect(delayAfter(offered(now + 5 * minute), 10 * minute)).toEqual([4 * minute]);
    expect(delayAfter(offered(now + 10 * minute), 5 * minute)).toEqual([4 * minute]);
    expect(delayAfter(offered(now + 5 * minute), Infinity)).toEqual([4 * minute]);
  });

  it('is not asked for because of an end that a server has just belied', () => {
    expect(delayAfter(offered(now - 1), 10 * minute)).toEqual([9 * minute]);
    expect(delayAfter(offered(now - 1), Infinity)).toEqual([]);
  });

  it('is never asked for where nothing ends, unless the server says so', () => {
    const { state, effects } = step(offered(), { kind: 'granted', expiresInMs: Infinity });
    expect(effects).toEqual([]);
    expect(step(state, { kind: 'elapsed' }).effects).toEqual([]);
    expect(step(state, { kind: 'expiring' }).effects).toEqual([{ kind: 'ask' }]);
  });

  it('is waited for in parts where its time is further away than timers reach', () => {
    const far = 3 * protocolLimits.durationMs;
    const { state, effects } = step(offered(), { kind: 'granted', expiresInMs: far });
    const longest = { kind: 'start-timer', timer: 'renewal', delayMs: protocolLimits.durationMs };
    expect(effects).toEqual([longest]);
    expect(step(state, { kind: 'elapsed' }, now + protocolLimits.durationMs).effects).toEqual([longest]);
  });

  it('is asked for once, whatever the server says while it is on its way', () => {
    const asking = step(
      { state: 'held', askedAt: longAgo, expiresAt: now + 1, dueAt: now },
      { kind: 'elapsed' },
    );
    expect(asking.effects).toEqual([{ kind: 'ask' }]);
    expect(step(asking.state, { kind: 'expiring' })).toEqual({ state: asking.state, effects: [] });
    const sent = step(asking.state, { kind: 'offered', expiresAt: Infinity });
    expect(step(sent.state, { kind: 'expiring' })).toEqual({ state: sent.state, effects: [] });
  });

  it('is asked for again where no tab had one, ever sooner, until the old one has ended', () => {
    let at = now;
    let state: Renewal = { state: 'asking', askedAt: at, expiresAt: now + 16_000 };
    const delays: number[] = [];
    for (;;) {
      const waited = step(state, { kind: 'no-token' }, at);
      const [effect] = waited.effects;
      if (effect?.kind !== 'start-timer') break;
      delays.push(effect.delayMs);
      at += effect.delayMs;
      ({ state } = step(waited.state, { kind: 'elapsed' }, at));
    }
    expect(delays).toEqual([8_000, 4_000, 2_000, 1_000, 1_000]);
  });

  it('is never asked for twice within a second, nor a timer set beyond its reach', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.constantFrom(...inputs), fc.nat(5_000))), (events) => {
        let state: Renewal = { state: 'off' };
        let at = now;
        let askedAt = -Infinity;
        const pausesMs = [Infinity];
        const delaysMs = [0];
        for (const [input, passedMs] of events) {
          at += passedMs;
          if (input.kind === 'stop') askedAt = -Infinity;
          const next = step(state, input, at);
          ({ state } = next);
          for (const effect of next.effects) {
            if (effect.kind === 'start-timer') delaysMs.push(effect.delayMs);
            if (effect.kind !== 'ask') continue;
            pausesMs.push(at - askedAt);
            askedAt = at;
          }
        }
        expect(Math.min(...pausesMs)).toBeGreaterThanOrEqual(coreLimits.refreshMinMs);
        expect(Math.min(...delaysMs)).toBeGreaterThanOrEqual(0);
        expect(Math.max(...delaysMs)).toBeLessThanOrEqual(protocolLimits.durationMs);
      }),
    );
  });
});
