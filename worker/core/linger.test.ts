import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { HubInput } from './hub-types.ts';
import * as coreLimits from './limits.ts';
import { arrowsOf, Observed } from './testing/diagram.ts';
import { HubDriver } from './testing/hub-driver.ts';

const gone: HubInput = { kind: 'tab-gone', tabId: 'a' };
const elapsed: HubInput = { kind: 'elapsed', timer: 'linger' };

/** A hub that is open, whose worker outlives its only tab. */
function openHub(more: { readonly hasAuth?: boolean } = {}): HubDriver {
  const driver = new HubDriver();
  driver.attach('a', { lingers: true, ...more });
  if (more.hasAuth) {
    driver.run({ kind: 'token', dial: driver.hub.connection.dial, credentials: { token: 't' } });
  }
  driver.open();
  driver.welcome();
  return driver;
}

const timersOf = (effects: readonly { readonly kind: string }[]) =>
  effects.filter((effect) => 'timer' in effect && effect.timer === 'linger');

describe('a hub that outlives its tabs', () => {
  it('keeps the socket for a reload, whose tab finds it open', () => {
    const driver = openHub();
    const effects = driver.run(gone);
    expect(timersOf(effects)).toEqual([
      { kind: 'start-timer', timer: 'linger', delayMs: coreLimits.lingerMs },
    ]);
    expect(driver.state).toBe('open');
    const begin = driver.effects.length;
    driver.attach('b', { lingers: true });
    expect(timersOf(driver.effects.slice(begin))).toEqual([{ kind: 'cancel-timer', timer: 'linger' }]);
    expect([driver.state, driver.hub.connection.dial]).toEqual(['open', 1]);
    driver.run(elapsed);
    expect(driver.state).toBe('open');
  });

  it('closes the socket after that where nothing waits', () => {
    const driver = openHub();
    driver.run(gone);
    expect(driver.run(elapsed)).toContainEqual(expect.objectContaining({ kind: 'hang-up' }));
    expect(driver.state).toBe('idle');
  });

  it('waits for the server to take what it has, and closes then', () => {
    const driver = openHub();
    driver.publish('a', [1, 2]);
    driver.run(gone);
    expect(timersOf(driver.run(elapsed))).toEqual([
      { kind: 'start-timer', timer: 'linger', delayMs: coreLimits.lingerFlushMs },
    ]);
    expect(driver.state).toBe('open');
    driver.frame({ type: 'ack', seq: driver.hub.outbox.lastSeq });
    expect([driver.state, driver.status.queue.entries]).toEqual(['idle', 0]);
  });

  it('does not wait for longer than it may', () => {
    const driver = openHub();
    driver.publish('a', [1]);
    driver.run(gone);
    driver.run(elapsed);
    driver.run(elapsed);
    expect([driver.state, driver.status.queue.entries]).toEqual(['idle', 1]);
  });

  it('connects again for what waits, but not where a token is needed, which nobody could give', () => {
    for (const hasAuth of [false, true]) {
      const driver = openHub({ hasAuth });
      driver.publish('a', [1]);
      driver.run(gone);
      driver.run({ kind: 'lost', dial: driver.hub.connection.dial, code: 1006, reason: '' });
      expect(driver.state).toBe('backoff');
      const effects = driver.run({ kind: 'elapsed', timer: 'connection' });
      expect(effects.some(({ kind }) => kind === 'dial')).toBe(!hasAuth);
      expect(driver.state).toBe(hasAuth ? 'idle' : 'connecting');
    }
  });

  it('does not wait for a token that its last tab owes', () => {
    const driver = new HubDriver();
    driver.attach('a', { lingers: true, hasAuth: true });
    driver.run(gone);
    expect(driver.state).toBe('idle');
  });

  it('does not linger where nothing will connect any more', () => {
    const driver = openHub();
    driver.run({ kind: 'lost', dial: 1, code: 4403, reason: '' });
    expect(driver.state).toBe('suspended');
    driver.run(gone);
    expect(driver.state).toBe('idle');
  });

  it('says what it has of cursors at once: the browser may end the worker at any time', () => {
    const driver = openHub();
    driver.hub.journal.cursor('t', { epoch: 'e', offset: 1 });
    expect(driver.run(gone)).toContainEqual(expect.objectContaining({ kind: 'persist' }));
  });

  it('is not one in a worker of a tab, or for a tab whose browser ends workers', () => {
    const driver = openHub();
    driver.attach('b', { lingers: false });
    driver.run(gone);
    driver.run({ kind: 'tab-gone', tabId: 'b' });
    expect(driver.state).toBe('idle');
    const dedicated = new HubDriver();
    Object.assign(dedicated.hub, { self: { hubId: 'hub', host: 'dedicated-worker' } });
    dedicated.attach('a', { lingers: true });
    dedicated.open();
    dedicated.run(gone);
    expect(dedicated.state).toBe('idle');
  });
});

it('the diagram of the linger says what the code does', () => {
  const observed = new Observed();
  const diagram = arrowsOf(readFileSync(new URL('linger.ts', import.meta.url), 'utf8'));
  const steps: Record<string, (driver: HubDriver) => void> = {
    gone: (driver) => driver.run(gone),
    attached: (driver) => driver.attach('b', { lingers: true }),
    elapsed: (driver) => driver.run(elapsed),
    empty: (driver) => driver.frame({ type: 'ack', seq: driver.hub.outbox.lastSeq }),
    hopeless: (driver) => driver.run({ kind: 'lost', dial: 1, code: 4403, reason: '' }),
  };
  for (const published of [[], [1]]) {
    for (const before of [[], ['gone'], ['gone', 'elapsed']]) {
      for (const [input, step] of Object.entries(steps)) {
        const driver = openHub();
        driver.publish('a', published);
        for (const each of before) steps[each]!(driver);
        const { phase } = driver.hub.linger;
        step(driver);
        observed.add(phase, input, driver.hub.linger.phase, phase !== driver.hub.linger.phase);
      }
    }
  }
  expect(observed.compare(diagram)).toEqual({ undrawn: [], unseen: [] });
});
