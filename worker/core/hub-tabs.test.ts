import { describe, expect, it } from 'vitest';
import * as closeCodes from '../../src/protocol/close-codes.ts';
import * as coreLimits from './limits.ts';
import { testConfig } from './testing/config.ts';
import { HubDriver } from './testing/hub-driver.ts';

const reconnect = (id: string) => ({ kind: 'reconnect', id }) as const;
const offsets = (driver: HubDriver, tab: string) =>
  driver.itemsOf(tab, 'messages').map(({ offset }) => offset);

/** A hub whose tab a is subscribed to topic t, live. */
function subscribed(): HubDriver {
  const driver = new HubDriver().connect();
  driver.subscribe('a', 1);
  driver.confirmTopics();
  driver.forget();
  return driver;
}

describe('batches to a tab', () => {
  it('go out at once while there is credit', () => {
    const driver = subscribed();
    driver.messages('t', 1, 1);
    driver.messages('t', 2, 2);
    expect(driver.all('deliver')).toHaveLength(2);
  });

  it('are two at most under way; what comes meanwhile joins the next', () => {
    const driver = subscribed();
    driver.slowTabs.add('a');
    for (let offset = 1; offset <= 5; offset++) driver.messages('t', offset, offset);
    const [first, second] = driver.all('deliver');
    expect(driver.all('deliver')).toHaveLength(2);
    expect([first?.number, second?.number]).toEqual([first?.number, first!.number + 1]);
    driver.forget();
    driver.run({ kind: 'batch-taken', tabId: 'a', number: second!.number, endedSubs: [] });
    expect(driver.all('deliver')).toHaveLength(1);
    expect(offsets(driver, 'a')).toEqual([3, 4, 5]);
  });

  it('wait for a slow tab alone', () => {
    const driver = subscribed();
    driver.attach('b');
    driver.subscribe('b', 1);
    driver.slowTabs.add('a');
    driver.forget();
    for (let offset = 1; offset <= 5; offset++) driver.messages('t', offset, offset);
    expect(offsets(driver, 'a').length).toBeLessThan(3);
    expect(offsets(driver, 'b')).toEqual([1, 2, 3, 4, 5]);
  });

  it('hold nothing of a subscription that is paused, and all of it afterwards', () => {
    const driver = subscribed();
    driver.ops('a', { kind: 'pause', sub: 1 });
    driver.messages('t', 1, 2);
    driver.messages('t', 3, 3);
    expect(offsets(driver, 'a')).toEqual([]);
    driver.ops('a', { kind: 'resume', sub: 1 });
    expect(offsets(driver, 'a')).toEqual([1, 3]);
  });

  it('hold nothing of a topic that the tab has left', () => {
    const driver = subscribed();
    driver.ops('a', { kind: 'unsubscribe', sub: 1 });
    driver.messages('t', 1, 1);
    expect(driver.sent('unsubscribe').map(({ head }) => head.topic)).toEqual(['t']);
    expect(offsets(driver, 'a')).toEqual([]);
  });
});

describe('the receive window', () => {
  // Of the window in the driver's welcome, which is smaller than the hub's own.
  const quarter = 100 / 4;
  const counts = (driver: HubDriver) => driver.sent('received').map(({ head }) => head.count);

  it('is told of by the quarter', () => {
    const driver = subscribed();
    driver.messages('t', 1, quarter - 1);
    expect(counts(driver)).toEqual([]);
    driver.messages('t', quarter, quarter);
    driver.messages('t', quarter + 1, 2 * quarter + 5);
    expect(counts(driver)).toEqual([quarter, 2 * quarter + 5]);
  });

  it('counts gaps and messages that nobody wants any more, since the server does', () => {
    const driver = subscribed();
    driver.messages('gone', 1, quarter - 1);
    driver.frame({ type: 'gap', topic: 't', epoch: 'e', offset: 9, payload: { reason: 'history' } });
    expect(counts(driver)).toEqual([quarter]);
  });

  it('is the smaller one of the hub and the server', () => {
    const quarterOf = (window: number) => {
      const driver = new HubDriver().connect('a', { limits: { window } });
      driver.subscribe('a', 1);
      driver.confirmTopics();
      for (let offset = 1; counts(driver).length === 0; offset++) driver.messages('t', offset, offset);
      return counts(driver);
    };
    const { receiveWindow } = coreLimits;
    const windows = [1, 100, receiveWindow - 4, receiveWindow, 10 * receiveWindow];
    expect(windows.map(quarterOf)).toEqual([
      [1],
      [25],
      [receiveWindow / 4 - 1],
      [receiveWindow / 4],
      [receiveWindow / 4],
    ]);
  });

  it('counts from zero with the next connection', () => {
    const driver = subscribed();
    driver.messages('t', 1, quarter - 1);
    driver.lost();
    driver.reopen();
    driver.messages('t', quarter, quarter);
    expect(counts(driver)).toEqual([]);
  });

  it('goes on without a tab that takes nothing, in a bounded time', () => {
    const driver = subscribed();
    driver.slowTabs.add('a');
    driver.messages('t', 1, quarter);
    driver.messages('t', quarter + 1, 4 * quarter);
    driver.advance(2 * coreLimits.stuckAfterMs);
    expect(counts(driver).at(-1)).toBe(4 * quarter);
  });
});

describe('a tab that leaves', () => {
  it('takes its topics, its requests and its waiting with it', () => {
    const driver = subscribed();
    driver.attach('b');
    driver.subscribe('b', 1);
    driver.subscribe('b', 2, 'u');
    driver.request('b', '1');
    driver.forget();
    driver.run({ kind: 'tab-gone', tabId: 'b' });
    expect(driver.sent('unsubscribe').map(({ head }) => head.topic)).toEqual(['u']);
    expect(driver.sent('cancel')).toHaveLength(1);
    expect(driver.itemsOf('a', 'status').at(-1)?.status.tabs).toEqual(['a']);
    driver.messages('t', 1, 1);
    expect(driver.items('b')).toEqual([]);
  });

  it('is forgotten once', () => {
    const driver = subscribed();
    driver.run({ kind: 'tab-gone', tabId: 'unknown' });
    driver.run({ kind: 'batch-taken', tabId: 'unknown', number: 1, endedSubs: [] });
    driver.ops('unknown', { kind: 'subscribe', sub: 1, topic: 't', replay: 0 });
    expect(driver.effects).toEqual([]);
  });

  it('as the last one ends the connection at once, before a worker without pages is suspended', () => {
    const driver = subscribed();
    driver.run({ kind: 'tab-gone', tabId: 'a' });
    expect(driver.state).toBe('idle');
    expect(driver.all('hang-up')).toMatchObject([{ code: closeCodes.normal }]);
    expect([driver.dueIn('connection'), driver.dueIn('heartbeat')]).toEqual([null, null]);
  });

  it('as the last one is followed by a new connection with the next one', () => {
    const driver = subscribed();
    driver.run({ kind: 'tab-gone', tabId: 'a' });
    driver.attach('a2');
    expect(driver.state).toBe('connecting');
  });

  it('and comes back is served from a clean slate, in the same session', () => {
    const driver = subscribed();
    driver.attach('a');
    expect(driver.sent('unsubscribe')).toHaveLength(1);
    driver.subscribe('a', 1);
    expect(driver.sent('subscribe')).toHaveLength(1);
    expect(driver.state).toBe('open');
    expect(driver.status.tabs).toEqual(['a']);
  });
});

describe('a reconnect that a tab asks for', () => {
  it('is answered when the connection is open', () => {
    const driver = new HubDriver().connect();
    driver.ops('a', reconnect('1'));
    expect(driver.state).toBe('connecting');
    expect(driver.itemsOf('a', 'response')).toEqual([]);
    driver.open();
    driver.welcome();
    expect(driver.itemsOf('a', 'response')).toEqual([{ kind: 'response', id: '1' }]);
  });

  it('is answered with the error that ended the attempt', () => {
    const driver = new HubDriver().connect();
    driver.lost();
    driver.ops('a', reconnect('1'));
    driver.lost(closeCodes.forbidden);
    expect(driver.itemsOf('a', 'error')).toMatchObject([{ id: '1', error: { code: 'forbidden' } }]);
    driver.ops('a', reconnect('2'));
    expect(driver.state).toBe('connecting');
  });

  it('is refused above the bound of those that wait', () => {
    const driver = new HubDriver();
    driver.attach('a');
    for (let count = 1; count <= coreLimits.reconnectWaiters; count++) driver.ops('a', reconnect(`${count}`));
    expect(driver.itemsOf('a', 'error')).toEqual([]);
    driver.ops('a', reconnect('more'));
    expect(driver.itemsOf('a', 'error')).toMatchObject([{ id: 'more', error: { code: 'queue-full' } }]);
  });
});

describe('a goaway', () => {
  const draining = () => {
    const driver = new HubDriver().connect();
    driver.publish('a', [1]);
    driver.request('a', 'r');
    driver.frame({ type: 'goaway', payload: { reason: 'deploy', retryAfterMs: 1_700 } });
    driver.forget();
    return driver;
  };

  it('lets what is under way come to its end, and begins nothing new', () => {
    const driver = draining();
    driver.publish('a', [2]);
    expect(driver.state).toBe('draining');
    expect(driver.sentTypes).toEqual([]);
  });

  it('ends the connection with the last answer, and dials again when the server said', () => {
    const driver = draining();
    driver.publish('a', [2]);
    driver.frame({ type: 'ack', seq: 1 });
    expect(driver.state).toBe('draining');
    driver.frame({ type: 'response', re: 'r1', payload: 1 });
    expect(driver.state).toBe('backoff');
    expect(driver.all('hang-up')).toMatchObject([{ code: closeCodes.normal }]);
    expect(driver.itemsOf('a', 'response')).toHaveLength(1);
    expect(driver.dueIn('connection')).toBe(1_700);
    driver.reopen({ lastSeq: 1 });
    expect(driver.sent('publish').map(({ head }) => head.seq)).toEqual([2]);
  });

  it('ends the connection in time without the answers, and what is unknown is told', () => {
    const driver = draining();
    driver.advance(coreLimits.drainMs);
    expect(driver.state).toBe('backoff');
    expect(driver.itemsOf('a', 'error')).toMatchObject([{ error: { code: 'disconnected' } }]);
  });

  it('ends an idle connection at once', () => {
    const driver = new HubDriver().connect();
    driver.frame({ type: 'goaway', payload: { reason: 'deploy', retryAfterMs: 0 } });
    expect(driver.state).toBe('backoff');
    // Where the server names no time, its hubs must not all dial at once.
    expect(driver.dueIn('connection')).toBe(testConfig.backoff.baseMs);
  });
});

describe('a close code', () => {
  it('of a frame that was too large drops the largest entry under way', () => {
    const driver = new HubDriver().connect();
    driver.publish('a', [1]);
    driver.publish('a', [2], { json: '"a longer one"' });
    driver.lost(closeCodes.tooBig);
    expect(driver.itemsOf('a', 'failed')).toMatchObject([
      { tabSeq: 2, error: { code: 'too-large', detail: String(closeCodes.tooBig) } },
    ]);
    driver.forget();
    driver.reopen();
    expect(driver.sent('publish').map(({ head }) => head.seq)).toEqual([1]);
  });

  it('of an expired token has a new one fetched', () => {
    const driver = new HubDriver();
    driver.attach('a', { hasAuth: true });
    driver.run({ kind: 'token', dial: 1, credentials: { token: 'old' } });
    driver.open();
    driver.welcome();
    driver.lost(closeCodes.tokenExpired);
    driver.advance(driver.dueIn('connection')!);
    expect(driver.all('get-token').map(({ dial }) => dial)).toEqual([1, 2]);
  });
});

describe('the status', () => {
  it('is told to every tab when the state changes', () => {
    const driver = new HubDriver().connect();
    driver.attach('b');
    driver.forget();
    driver.lost();
    for (const tab of ['a', 'b']) {
      expect(driver.itemsOf(tab, 'status')[0]?.status).toMatchObject({
        state: 'backoff',
        attempt: 1,
        nextRetryAt: driver.now + 1_000,
        lastError: { code: 'disconnected' },
      });
    }
  });

  it('tells of counters before long, once for many changes', () => {
    const driver = new HubDriver().connect();
    driver.advance(coreLimits.statusIntervalMs);
    driver.forget();
    for (let tabSeq = 1; tabSeq <= 9; tabSeq++) driver.publish('a', [tabSeq]);
    expect(driver.itemsOf('a', 'status')).toEqual([]);
    driver.advance(coreLimits.statusIntervalMs);
    expect(driver.itemsOf('a', 'status').map(({ status }) => status.queue.entries)).toEqual([9]);
    driver.advance(10 * coreLimits.statusIntervalMs);
    expect(driver.itemsOf('a', 'status')).toHaveLength(1);
  });

  it.each([
    [
      'a refused entry',
      (driver: HubDriver) =>
        void driver.frame({ type: 'nack', seq: 1, payload: { code: 'no', message: 'no' } }),
      { dropped: 1 },
    ],
    ['a new topic', (driver: HubDriver) => driver.subscribe('a', 1), { topics: 1 }],
  ])('tells of %s before long', (_, happen, expected) => {
    const driver = new HubDriver().connect();
    driver.publish('a', [1]);
    driver.advance(coreLimits.statusIntervalMs);
    driver.forget();
    happen(driver);
    driver.advance(coreLimits.statusIntervalMs);
    expect(driver.itemsOf('a', 'status').at(-1)?.status).toMatchObject(expected);
  });

  it('has no error and a round trip once the connection works again', () => {
    const driver = new HubDriver().connect();
    driver.lost();
    driver.reopen();
    driver.now += 40;
    driver.frame({ type: 'pong', re: driver.sent('ping').at(-1)!.head.id });
    expect(driver.itemsOf('a', 'status').at(-1)?.status).toMatchObject({
      lastError: null,
      rttMs: 40,
      attempt: 1,
    });
    driver.lost();
    expect(driver.status.rttMs).toBeNull();
  });
});

describe('signs of life', () => {
  const { intervalMs, timeoutMs } = testConfig.heartbeat;
  const answer = (driver: HubDriver) =>
    driver.frame({ type: 'pong', re: driver.sent('ping').at(-1)!.head.id });

  it('are asked for after silence, and the connection ends without them', () => {
    const driver = new HubDriver().connect();
    answer(driver);
    driver.forget();
    driver.advance(intervalMs);
    expect(driver.sent('ping')).toHaveLength(1);
    driver.advance(timeoutMs);
    expect(driver.all('hang-up')).toMatchObject([{ code: closeCodes.heartbeatTimeout }]);
    expect(driver.state).toBe('backoff');
  });

  it('are asked for as often as the server wants, and never more seldom than configured', () => {
    for (const [heartbeatMs, expected] of [
      [9_000, 9_000],
      [intervalMs * 9, intervalMs],
      [0, intervalMs],
    ] as const) {
      const driver = new HubDriver().connect('a', { heartbeatMs });
      answer(driver);
      expect(driver.dueIn('heartbeat')).toBe(expected);
    }
  });

  it.each(['online', 'visible', 'resume'] as const)('are asked for at once when a page says %s', (signal) => {
    const driver = new HubDriver().connect();
    answer(driver);
    driver.forget();
    driver.ops('a', { kind: 'signal', signal });
    expect(driver.sent('ping')).toHaveLength(1);
  });

  it('of a page wake a suspended connection', () => {
    const driver = new HubDriver();
    driver.attach('a');
    for (let attempt = 0; attempt < testConfig.backoff.maxAttempts; attempt++) {
      driver.lost();
      driver.advance(driver.dueIn('connection') ?? 0);
    }
    expect(driver.state).toBe('suspended');
    driver.ops('a', { kind: 'signal', signal: 'hidden' });
    expect(driver.state).toBe('suspended');
    driver.ops('a', { kind: 'signal', signal: 'online' });
    expect(driver.state).toBe('connecting');
  });

  it('of a page decide which tab is asked for the token', () => {
    const driver = new HubDriver();
    for (const tab of ['a', 'b']) driver.attach(tab, { hasAuth: true });
    driver.ops('a', { kind: 'signal', signal: 'visible' });
    driver.lost();
    driver.advance(1_000);
    expect(driver.all('get-token').at(-1)?.tabIds).toEqual(['a', 'b']);
    driver.ops('a', { kind: 'signal', signal: 'hidden' });
    driver.ops('b', { kind: 'signal', signal: 'visible' });
    driver.lost();
    driver.advance(2_000);
    expect(driver.all('get-token').at(-1)?.tabIds).toEqual(['b', 'a']);
  });
});
