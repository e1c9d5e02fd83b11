import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DurationMeter } from './hub-meter.ts';
import type { HubMetrics } from './metrics-types.ts';
import { testConfig } from './testing/config.ts';
import { HubDriver } from './testing/hub-driver.ts';

/** What the hub answers to a tab that asks. */
function metrics(driver: HubDriver, tabId = 'a'): HubMetrics {
  driver.forget();
  driver.ops(tabId, { kind: 'metrics', id: 'q' });
  const [answer] = driver.itemsOf(tabId, 'response');
  return JSON.parse(answer!.json!) as HubMetrics;
}

/** These metrics alone, to be compared as a whole. */
const picked = <K extends keyof HubMetrics>(driver: HubDriver, ...names: readonly K[]) => {
  const all = metrics(driver);
  return Object.fromEntries(names.map((name) => [name, all[name]]));
};
const connections = (driver: HubDriver) =>
  picked(driver, 'connectAttempts', 'connectsDone', 'connectionsEnded', 'reconnects');
const entries = (driver: HubDriver) => picked(driver, 'entriesTaken', 'entriesAcked', 'entriesDropped');

describe('a sum of durations', () => {
  it('has no mean and no last before the first', () => {
    expect(new DurationMeter().summary()).toEqual({ count: 0, meanMs: null, maxMs: 0, lastMs: null });
  });

  it('has count, mean, longest and last', () => {
    const meter = new DurationMeter();
    for (const durationMs of [4, 9, 2]) meter.add(durationMs);
    expect(meter.summary()).toEqual({ count: 3, meanMs: 5, maxMs: 9, lastMs: 2 });
  });
});

describe('connections', () => {
  it('count attempts, welcomes and endings apart', () => {
    const driver = new HubDriver();
    driver.attach('a');
    expect(connections(driver)).toEqual({
      connectAttempts: 1,
      connectsDone: 0,
      connectionsEnded: {},
      reconnects: {},
    });
    driver.lost();
    driver.reopen();
    expect(connections(driver)).toEqual({
      connectAttempts: 2,
      connectsDone: 1,
      connectionsEnded: { disconnected: 1 },
      reconnects: {},
    });
  });

  it('are no reconnects where only attempts have failed before', () => {
    const driver = new HubDriver();
    driver.attach('a');
    driver.lost();
    driver.reopen();
    expect(metrics(driver).reconnects).toEqual({});
  });

  it('are reconnects by what the one before had ended with, whatever the attempts between them fail with', () => {
    const driver = new HubDriver().connect();
    driver.lost();
    driver.advance(driver.dueIn('connection')!);
    // No socket in time.
    driver.advance(driver.dueIn('connection')!);
    driver.reopen();
    expect(connections(driver)).toEqual({
      connectAttempts: 3,
      connectsDone: 2,
      connectionsEnded: { disconnected: 1, timeout: 1 },
      reconnects: { disconnected: 1 },
    });
  });

  it.each([
    [4401, 'auth-failed'],
    [4403, 'forbidden'],
    [4406, 'unsupported-version'],
    [1006, 'disconnected'],
  ])('that are closed with %i count as %s', (code, reason) => {
    const driver = new HubDriver().connect();
    driver.lost(code);
    expect(metrics(driver).connectionsEnded).toEqual({ [reason]: 1 });
  });

  it('that the server drains are lost by their code, and those that the app asks for are asked', () => {
    const driver = new HubDriver().connect();
    driver.frame({ type: 'goaway', payload: { reason: 'deploy', retryAfterMs: 10 } } as never);
    driver.lost(1001);
    driver.reopen();
    driver.ops('a', { kind: 'reconnect', id: 'r' });
    driver.open();
    driver.welcome();
    expect(connections(driver)).toEqual({
      connectAttempts: 3,
      connectsDone: 3,
      connectionsEnded: { disconnected: 1 },
      reconnects: { disconnected: 1, asked: 1 },
    });
  });

  it('are no reconnects where the app asks for the first one', () => {
    const driver = new HubDriver();
    driver.attach('a');
    driver.lost();
    driver.ops('a', { kind: 'reconnect', id: 'r' });
    driver.open();
    driver.welcome();
    expect(metrics(driver).reconnects).toEqual({});
  });

  it('keep one number for each reason, however often they are lost', () => {
    const driver = new HubDriver({ backoff: { baseMs: 1, maxMs: 1, maxAttempts: Infinity, stableMs: 5 } });
    driver.connect();
    for (let round = 0; round < 100; round++) {
      driver.lost();
      driver.reopen();
    }
    const { connectionsEnded, reconnects } = metrics(driver);
    expect([connectionsEnded, reconnects]).toEqual([{ disconnected: 100 }, { disconnected: 100 }]);
  });
});

describe('entries', () => {
  it('count once each as taken, and once as acknowledged or dropped', () => {
    const driver = new HubDriver().connect();
    driver.publish('a', [1, 2, 3, 4]);
    expect(entries(driver)).toEqual({ entriesTaken: 4, entriesAcked: 0, entriesDropped: {} });
    const [first, second] = driver.hub.outbox.list();
    driver.frame({
      type: 'nack',
      seq: second!.entry.seq,
      payload: { code: 'no', message: 'no', retryable: false },
    } as never);
    driver.frame({ type: 'ack', seq: second!.entry.seq }, { type: 'ack', seq: first!.entry.seq });
    expect(entries(driver)).toEqual({
      entriesTaken: 4,
      entriesAcked: 1,
      entriesDropped: { rejected: 1 },
    });
    driver.frame({ type: 'ack', seq: driver.hub.outbox.lastSeq });
    expect(entries(driver)).toEqual({
      entriesTaken: 4,
      entriesAcked: 3,
      entriesDropped: { rejected: 1 },
    });
  });

  it('that a welcome acknowledges count too', () => {
    const driver = new HubDriver().connect();
    driver.publish('a', [1, 2]);
    driver.lost();
    driver.reopen({ lastSeq: driver.hub.outbox.lastSeq });
    expect(metrics(driver).entriesAcked).toBe(2);
  });

  it('that are told again after a move to another hub count once', () => {
    const driver = new HubDriver().connect();
    driver.publish('a', [1]);
    driver.publish('a', [1, 2]);
    expect(metrics(driver).entriesTaken).toBe(2);
  });

  it('that find no room, or expire, are dropped by their code', () => {
    const driver = new HubDriver({ queue: { ...testConfig.queue, maxEntries: 2 } });
    driver.attach('a');
    driver.publish('a', [1, 2], { ttlMs: 10 });
    driver.publish('a', [3]);
    expect(entries(driver)).toEqual({
      entriesTaken: 2,
      entriesAcked: 0,
      entriesDropped: { 'queue-full': 1 },
    });
    driver.advance(2 * 60_000);
    expect(entries(driver)).toEqual({
      entriesTaken: 2,
      entriesAcked: 0,
      entriesDropped: { 'queue-full': 1, expired: 2 },
    });
  });

  it('that wait for room are taken when there is some', () => {
    const driver = new HubDriver({
      queue: { ...testConfig.queue, maxEntries: 1, whenFull: 'block' },
    }).connect();
    driver.publish('a', [1, 2]);
    expect(metrics(driver).entriesTaken).toBe(1);
    driver.frame({ type: 'ack', seq: driver.hub.outbox.lastSeq });
    expect(entries(driver)).toEqual({ entriesTaken: 2, entriesAcked: 1, entriesDropped: {} });
  });
});

/** What stands on either side of the sum of entries. */
function sides(driver: HubDriver): { readonly came: number; readonly went: number } {
  const hub = metrics(driver);
  const dropped = Object.values(hub.entriesDropped).reduce((sum, count) => sum + count, 0);
  return {
    came: hub.entriesFound + hub.entriesTaken + hub.entriesRefused,
    went: hub.entriesAcked + dropped + hub.entriesPending,
  };
}

describe('the counts of entries', () => {
  it('have volatile ones that were sent as taken, and those that could not be sent as refused', () => {
    const driver = new HubDriver();
    driver.attach('a');
    driver.publish('a', [1], { volatile: true });
    driver.open();
    driver.welcome();
    driver.publish('a', [2, 3], { volatile: true });
    driver.frame({ type: 'ack', seq: driver.hub.outbox.lastSeq });
    expect(metrics(driver)).toMatchObject({
      entriesTaken: 2,
      entriesRefused: 1,
      entriesAcked: 2,
      entriesPending: 0,
      entriesDropped: { 'not-open': 1 },
    });
  });

  it('have those of an earlier hub as found, whether their content waits or not', () => {
    const base = { tabId: 'z', topic: 't', ts: 1, expiresAt: null } as const;
    const entry = (seq: number) => ({ ...base, seq, tabSeq: seq, id: `z${seq}`, json: '1' });
    const driver = new HubDriver(
      {},
      { lastSeq: 4, acked: 1, entries: [1, 2, 3].map(entry), held: [{ ...entry(4), topic: 'u' }] },
    ).connect();
    expect(metrics(driver)).toMatchObject({ entriesFound: 3, entriesTaken: 0, entriesPending: 3 });
    driver.publish('a', [1]);
    driver.frame({ type: 'ack', seq: driver.hub.outbox.lastSeq });
    expect(metrics(driver)).toMatchObject({
      entriesFound: 3,
      entriesTaken: 1,
      entriesAcked: 4,
      entriesPending: 0,
    });
  });

  it('add up at every moment, also within a batch and while failures are being stored', () => {
    const driver = new HubDriver({ queue: { ...testConfig.queue, maxEntries: 2 } }).connect();
    driver.storesAtOnce = false;
    const base = { kind: 'publish', topic: 't', json: '1', ts: driver.now } as const;
    driver.forget();
    driver.ops(
      'a',
      ...[1, 2, 3].map((tabSeq) => ({ ...base, tabSeq, id: `a${tabSeq}` })),
      { ...base, tabSeq: 4, id: 'a4', volatile: true },
      { kind: 'metrics', id: 'within' },
      { kind: 'withdraw', id: 'w', entryId: 'a2' },
    );
    expect(JSON.parse(driver.itemsOf('a', 'response')[0]!.json!)).toMatchObject({
      entriesTaken: 2,
      entriesRefused: 2,
      entriesPending: 2,
      entriesDropped: { 'queue-full': 1, 'not-open': 1 },
    });
    expect(metrics(driver)).toMatchObject({ entriesPending: 2, entriesDropped: { 'queue-full': 1 } });
    driver.commit();
    expect(metrics(driver)).toMatchObject({ entriesPending: 1, entriesDropped: { cancelled: 1 } });
  });

  const publish = (more: object) => ({ kind: 'publish' as const, more });
  const acts = fc.oneof(
    fc.constantFrom(
      publish({}),
      publish({ volatile: true }),
      publish({ ttlMs: 50 }),
      publish({ coalesceKey: 'k' }),
      publish({ topic: 'large', json: undefined, large: { form: 'blob', blob: { size: 9 } } }),
      publish({ topic: 'large' }),
    ),
    fc.record({ kind: fc.constantFrom('ack' as const, 'nack' as const, 'withdraw' as const), at: fc.nat(5) }),
    fc.record({ kind: fc.constantFrom('commit', 'lost', 'reopen', 'purge', 'advance') }),
  );

  it.each(['block', 'reject', 'drop-oldest'] as const)(
    'add up at every moment, whatever happens, where a full outbox does `%s`',
    (whenFull) => {
      fc.assert(
        fc.property(fc.array(acts, { maxLength: 40 }), fc.boolean(), (steps, storesAtOnce) => {
          const driver = new HubDriver({ queue: { ...testConfig.queue, maxEntries: 3, whenFull } }).connect();
          driver.storesAtOnce = storesAtOnce;
          let tabSeq = 0;
          for (const step of steps) {
            take(driver, step, () => (tabSeq += 1));
            const { came, went } = sides(driver);
            expect(came).toBe(went);
          }
        }),
      );
    },
  );

  type Step = typeof acts extends fc.Arbitrary<infer T> ? T : never;

  /** Does one step, if there is anything to do it to. */
  function take(driver: HubDriver, step: Step, next: () => number): unknown {
    const { outbox } = driver.hub;
    const isOpen = driver.state === 'open';
    switch (step.kind) {
      case 'publish':
        return driver.publish('a', [next()], step.more as never);
      case 'ack':
        return isOpen && driver.frame({ type: 'ack', seq: Math.min(outbox.lastSeq, outbox.acked + step.at) });
      case 'nack': {
        const payload = { code: 'no', message: 'no', retryable: false };
        return isOpen && driver.frame({ type: 'nack', seq: outbox.acked + step.at, payload } as never);
      }
      case 'withdraw':
        return driver.ops('a', { kind: 'withdraw', id: 'w', entryId: `a${step.at}` });
      case 'commit':
        return driver.commit();
      case 'lost':
        return isOpen && driver.lost();
      case 'reopen':
        return driver.dueIn('connection') !== null && !isOpen && driver.reopen();
      case 'purge':
        return driver.ops('a', { kind: 'purge', id: 'p' });
      default:
        return driver.advance(60);
    }
  }
});

describe('the rest of what a hub does', () => {
  it('counts messages once for all tabs, and batches for each', () => {
    const driver = new HubDriver().connect();
    driver.attach('b');
    for (const tabId of ['a', 'b']) driver.subscribe(tabId, 1);
    driver.confirmTopics();
    const before = metrics(driver).batchesDelivered;
    driver.messages('t', 1, 5);
    const after = metrics(driver);
    expect(after.messagesReceived).toBe(5);
    // One to each tab with the messages, and one with the answer before.
    expect(after.batchesDelivered).toBe(before + 3);
  });

  it('times the round trips of its pings', () => {
    const driver = new HubDriver().connect();
    const [ping] = driver.sent('ping');
    driver.now += 40;
    driver.frame({ type: 'pong', re: ping!.head.id } as never);
    expect(metrics(driver).roundTrips).toEqual({ count: 1, meanMs: 40, maxMs: 40, lastMs: 40 });
  });

  it('has no topic, identity, method or text in its metrics', () => {
    const driver = new HubDriver({ identity: 'private-identity' }).connect();
    driver.publish('a', [1], { topic: 'private-topic', json: '"private-text"' });
    driver.subscribe('a', 1, 'private-topic');
    driver.ops('a', { kind: 'request', id: 'r', method: 'private-method', json: '1', ts: 0, timeoutMs: 9 });
    driver.run({ kind: 'lost', dial: driver.hub.connection.dial, code: 1008, reason: 'private-reason' });
    expect(JSON.stringify(metrics(driver))).not.toContain('private');
    expect(metrics(driver)).toMatchObject({ entriesTaken: 1, connectionsEnded: { forbidden: 1 } });
  });
});
