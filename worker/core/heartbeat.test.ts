import { readFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { describe, expect, it } from 'vitest';
import type { Context } from './context.ts';
import {
  heartbeatTransition,
  type Heartbeat,
  type HeartbeatEffect,
  type HeartbeatInput,
} from './heartbeat.ts';
import { at } from './testing/config.ts';
import { arrowsOf, observe } from './testing/diagram.ts';

const policy = { intervalMs: 30_000, timeoutMs: 10_000 };
const now = 1_000_000;

const step = (state: Heartbeat, input: HeartbeatInput, context: Context = at(now)) =>
  heartbeatTransition(state, input, policy, context);

const timer = (delayMs: number): HeartbeatEffect => ({ kind: 'start-timer', timer: 'heartbeat', delayMs });
const waiting = (heardAt: number, ping = 1): Heartbeat => ({
  state: 'waiting',
  heardAt,
  asked: { ping, ticks: 0 },
});
const probing = (sentAt: number, ping = 1, ticks = sentAt): Heartbeat => ({
  state: 'probing',
  sentAt,
  asked: { ping, ticks },
});

describe('the diagram of the heartbeat', () => {
  it('is what the code does', () => {
    const states: Heartbeat[] = [
      { state: 'off' },
      { state: 'dead' },
      ...[now, now - 1_000, now - 30_000, now + 5_000].map((heardAt) => waiting(heardAt)),
      ...[now, now - 10_000, now - 60_000, now + 5_000].map((sentAt) => probing(sentAt)),
    ];
    const inputs: HeartbeatInput[] = [
      ...(['start', 'stop', 'activity', 'probe', 'elapsed'] as const).map((kind) => ({ kind })),
      { kind: 'pong', ping: 1 },
      { kind: 'pong', ping: 0 },
      { kind: 'pong', ping: Number.NaN },
    ];
    const nameOf = ({ kind }: HeartbeatInput) => kind;
    const observed = observe({ states, inputs, step, nameOf, isEqual: isDeepStrictEqual });
    const diagram = arrowsOf(readFileSync(new URL('heartbeat.ts', import.meta.url), 'utf8'));
    expect(observed.compare(diagram)).toEqual({ undrawn: [], unseen: [] });
  });
});

describe('the heartbeat', () => {
  it('begins with a ping, which measures the round trip', () => {
    expect(step({ state: 'off' }, { kind: 'start' })).toEqual({
      state: probing(now),
      effects: [{ kind: 'ping', ping: 1 }, timer(policy.timeoutMs)],
    });
  });

  it('pings after silence, and is dead after more of it', () => {
    const silent = step(waiting(now - 30_000, 4), { kind: 'elapsed' });
    expect(silent.effects).toEqual([{ kind: 'ping', ping: 5 }, timer(policy.timeoutMs)]);
    const unanswered = step(silent.state, { kind: 'elapsed' }, at(now + 10_000));
    expect(unanswered).toEqual({ state: { state: 'dead' }, effects: [{ kind: 'dead' }] });
  });

  it('tells of its death once', () => {
    for (const kind of ['activity', 'probe', 'elapsed', 'start'] as const) {
      expect(step({ state: 'dead' }, { kind })).toEqual({ state: { state: 'dead' }, effects: [] });
    }
  });

  it('is postponed by activity, without a timer of its own for every frame', () => {
    const heard = step(waiting(now - 30_000), { kind: 'activity' });
    expect(heard).toEqual({ state: waiting(now), effects: [] });
    const elapsed = step(heard.state, { kind: 'elapsed' }, at(now + 10_000));
    expect(elapsed).toEqual({ state: waiting(now), effects: [timer(20_000)] });
  });

  it('takes any frame for an answer to its ping', () => {
    expect(step(probing(now - 5_000), { kind: 'activity' })).toEqual({
      state: { state: 'waiting', heardAt: now, asked: { ping: 1, ticks: now - 5_000 } },
      effects: [timer(policy.intervalMs)],
    });
  });

  it('asks anew instead of giving up when its timer is late by more than a timeout, as after a sleep', () => {
    expect(step(probing(now - 20_001, 3), { kind: 'elapsed' }).effects).toEqual([
      { kind: 'ping', ping: 4 },
      timer(policy.timeoutMs),
    ]);
    expect(step(probing(now - 20_000, 3), { kind: 'elapsed' }).effects).toEqual([{ kind: 'dead' }]);
  });

  it('probes at once when told to, and leaves a probe under way alone', () => {
    expect(step(waiting(now - 1, 8), { kind: 'probe' }).effects[0]).toEqual({ kind: 'ping', ping: 9 });
    expect(step(probing(now - 1), { kind: 'probe' })).toEqual({ state: probing(now - 1), effects: [] });
  });

  it('does not wait for a clock that was set back to come where it was', () => {
    let state: Heartbeat = waiting(now + 3_600_000);
    let pingAt: number | null = null;
    let time = now;
    for (let turn = 0; turn < 3 && pingAt === null; turn++) {
      const next = step(state, { kind: 'elapsed' }, at(time));
      state = next.state;
      if (next.effects.some(({ kind }) => kind === 'ping')) pingAt = time;
      for (const effect of next.effects) if (effect.kind === 'start-timer') time += effect.delayMs;
    }
    expect(pingAt).toBeLessThanOrEqual(now + policy.intervalMs);
  });

  it('stops, and its timer with it', () => {
    for (const state of [waiting(now), probing(now), { state: 'dead' }] as const) {
      expect(step(state, { kind: 'stop' })).toEqual({
        state: { state: 'off' },
        effects: [{ kind: 'cancel-timer', timer: 'heartbeat' }],
      });
    }
  });
});

describe('the round-trip time', () => {
  const pong = (ping: number): HeartbeatInput => ({ kind: 'pong', ping });

  it('is measured by the monotonic clock, whatever the wall clock does', () => {
    const { effects } = step(probing(now, 1, 5_000), pong(1), { now: now - 9e9, ticks: 5_042.5, random: 0 });
    expect(effects).toContainEqual({ kind: 'round-trip', rttMs: 42.5 });
  });

  it('is measured even if other frames came before the pong', () => {
    const heard = step(probing(now, 2, 5_000), { kind: 'activity' });
    const { effects } = step(heard.state, pong(2), { now: now + 30, ticks: 5_030, random: 0 });
    expect(effects).toEqual([{ kind: 'round-trip', rttMs: 30 }]);
  });

  it('is not measured by the pong of an earlier ping, which is a sign of life all the same', () => {
    expect(step(probing(now, 2), pong(1))).toMatchObject({
      state: { state: 'waiting', heardAt: now },
      effects: [timer(policy.intervalMs)],
    });
    expect(step(waiting(now - 5, 2), pong(1))).toMatchObject({ state: { heardAt: now }, effects: [] });
  });
});
