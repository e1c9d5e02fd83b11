import { describe, expect, it } from 'vitest';
import * as closeCodes from '../../src/protocol/close-codes.ts';
import { errorData } from '../../src/protocol/errors.ts';
import * as coreLimits from './limits.ts';
import { testConfig } from './testing/config.ts';
import { HubDriver } from './testing/hub-driver.ts';
import { PlainStore } from './testing/plain-store.ts';

const queue = (more: Partial<typeof testConfig.queue>) => ({ queue: { ...testConfig.queue, ...more } });
const codes = (driver: HubDriver, tab: string) =>
  driver.itemsOf(tab, 'failed').map(({ tabSeq, error }) => [tabSeq, error.code]);
const sentIds = (driver: HubDriver) => driver.sent('publish').map(({ head }) => head.id);
const answers = (driver: HubDriver, tab: string) =>
  driver.items(tab).flatMap((item) => {
    if (item.kind === 'response') return [[item.id, item.json]];
    return item.kind === 'error' ? [[item.id, item.error.code]] : [];
  });

/** What the store holds after all that a hub has written. */
function storeOf(driver: HubDriver) {
  const store = new PlainStore();
  for (const { change } of driver.all('persist')) store.write(change);
  return store.open();
}

/** An entry of tab old, as an earlier hub left it behind. */
const leftBehind = (seq: number) => ({
  seq,
  tabId: 'old',
  tabSeq: seq,
  id: `old${seq}`,
  topic: 't',
  json: '1',
  ts: 1_000_000,
  expiresAt: null,
});

describe('a hub that finds entries in its store', () => {
  const stored = {
    lastSeq: 2 ** 32,
    acked: 1,
    entries: [2, 3].map(leftBehind),
    tabSeqs: [['old', 3]] as const,
  };

  it('sends what the server does not have, and says what it has', () => {
    const driver = new HubDriver({}, stored);
    expect(driver.status.queue).toEqual({ entries: 2, bytes: 2 });
    driver.attach('a');
    driver.open();
    expect(driver.sent('hello')[0]?.head.payload.acked).toBe(1);
    driver.welcome({ lastSeq: 2 });
    expect(sentIds(driver)).toEqual(['old3']);
    expect(driver.all('persist')).toMatchObject([{ change: { acked: 2 } }]);
  });

  it('tells a tab what has been acknowledged behind an entry that waits', () => {
    const driver = new HubDriver({}, { ...stored, tabSeqs: [['old', 9]] });
    expect(driver.hub.outbox.tabSeqs('old')).toEqual({
      takenUpTo: 9,
      storedUpTo: 9,
      ackedUpTo: 9,
      but: [2, 3],
    });
  });

  it('knows the tabs of the earlier one, and what has failed of theirs', () => {
    const error = errorData('rejected', 'no');
    const failure = { tabId: 'old', tabSeq: 1, id: 'old1', topic: 't', error };
    const driver = new HubDriver({}, { ...stored, failures: [failure] });
    expect(driver.hub.outbox.tabSeqs('old')).toEqual({ takenUpTo: 3, storedUpTo: 3, ackedUpTo: 1 });
    expect(driver.hub.tabs.failuresOf('old')).toEqual([{ tabSeq: 1, error }]);
  });
});

describe('a failure', () => {
  it('is told after it is stored, and in time with a later acknowledgement', () => {
    const driver = new HubDriver().connect();
    driver.publish('a', [1, 2]);
    driver.storesAtOnce = false;
    driver.frame(
      { type: 'nack', seq: 1, payload: { code: 'forbidden', message: 'no' } },
      { type: 'ack', seq: 2 },
    );
    expect([codes(driver, 'a'), driver.itemsOf('a', 'acked')]).toEqual([[], []]);
    expect(driver.hub.outbox.tabSeqs('a')).toEqual({ takenUpTo: 2, storedUpTo: 0, ackedUpTo: 2, but: [1] });
    driver.commit();
    expect([codes(driver, 'a'), driver.itemsOf('a', 'acked')]).toEqual([
      [[1, 'forbidden']],
      [{ kind: 'acked', upTo: 2 }],
    ]);
  });

  it('is not for the server to forget before it is stored', () => {
    const driver = new HubDriver().connect();
    driver.publish('a', [1, 2, 3]);
    driver.storesAtOnce = false;
    const code = { code: 'forbidden', message: 'no' };
    driver.frame({ type: 'ack', seq: 1 }, { type: 'nack', seq: 2, payload: code }, { type: 'ack', seq: 3 });
    driver.lost();
    driver.reopen({ lastSeq: 3, rejected: [{ seq: 2, ...code, retryable: false }] });
    driver.commit();
    driver.lost();
    driver.reopen({ lastSeq: 3 });
    expect(driver.sent('hello').map(({ head }) => head.payload.acked)).toEqual([0, 1, 3]);
    expect(driver.sent('publish')).toHaveLength(3);
    expect(codes(driver, 'a')).toEqual([[2, 'forbidden']]);
  });

  it('of an entry that is refused is told at once', () => {
    const driver = new HubDriver(queue({ maxEntries: 1 }));
    driver.storesAtOnce = false;
    driver.attach('a');
    driver.publish('a', [1, 2]);
    expect(codes(driver, 'a')).toEqual([[2, 'queue-full']]);
    expect(driver.all('persist')).toMatchObject([
      { change: { failures: [{ tabSeq: 2 }], tabSeqs: [['a', 2]] } },
    ]);
  });
});

describe('the age of an entry', () => {
  it('is bounded, whether or not it has a ttlMs', () => {
    const driver = new HubDriver(queue({ maxAgeMs: 1_000 }));
    driver.attach('a');
    driver.publish('a', [1]);
    driver.publish('a', [2], { ttlMs: 5_000 });
    driver.advance(1_000);
    expect(codes(driver, 'a')).toEqual([
      [1, 'expired'],
      [2, 'expired'],
    ]);
  });

  it('is looked at now and then, where many expire one by one', () => {
    const driver = new HubDriver();
    driver.attach('a');
    for (let tabSeq = 1; tabSeq <= 50; tabSeq++) driver.publish('a', [tabSeq], { ttlMs: 100 + tabSeq });
    driver.forget();
    driver.advance(coreLimits.expiryIntervalMs * 2);
    expect(codes(driver, 'a')).toHaveLength(50);
    expect(driver.all('start-timer').filter(({ timer }) => timer === 'expiry').length).toBeLessThan(4);
  });
});

describe('an entry that expires while the server may have it', () => {
  it('ends once the server has said that it has not, even if the window is full', () => {
    const driver = new HubDriver().connect();
    driver.publish('a', [1]);
    driver.publish('a', [2], { ttlMs: 500 });
    driver.lost();
    driver.advance(600);
    expect(codes(driver, 'a')).toEqual([]);
    driver.reopen({ limits: { window: 1 } });
    driver.advance(coreLimits.expiryIntervalMs);
    expect(codes(driver, 'a')).toEqual([[2, 'expired']]);
  });
});

describe('an outbox that blocks', () => {
  const blocking = (maxEntries: number, ...tabs: string[]) => {
    const driver = new HubDriver(queue({ maxEntries, whenFull: 'block' })).connect(tabs[0]);
    for (const tab of tabs.slice(1)) driver.attach(tab);
    return driver;
  };

  it('takes what waits as room appears, in order within a tab and in turns among tabs', () => {
    const driver = blocking(3, 'a', 'b');
    driver.publish('a', [1, 2, 3, 4, 5]);
    driver.publish('b', [1, 2]);
    expect([sentIds(driver), driver.hub.outbox.lastTabSeq('a')]).toEqual([['a1', 'a2', 'a3'], 3]);
    for (const seq of [1, 2, 3, 4, 5]) driver.frame({ type: 'ack', seq });
    expect(sentIds(driver)).toEqual(['a1', 'a2', 'a3', 'a4', 'b1', 'a5', 'b2']);
    expect(codes(driver, 'a')).toEqual([]);
  });

  it('lets as many wait as it holds, of each tab', () => {
    const driver = blocking(2, 'a', 'b');
    driver.publish('a', [1, 2, 3, 4, 5]);
    driver.publish('b', [1]);
    expect([codes(driver, 'a'), codes(driver, 'b')]).toEqual([[[5, 'queue-full']], []]);
    driver.frame({ type: 'ack', seq: 2 });
    driver.publish('a', [6]);
    expect(driver.hub.outbox.lastTabSeq('a')).toBe(3);
  });

  it('forgets what waits of a tab that goes, or comes again and sends it anew', () => {
    const driver = blocking(2, 'a', 'b');
    driver.publish('a', [1, 2, 3, 4]);
    driver.attach('a');
    driver.publish('a', [3, 4]);
    driver.publish('b', [1]);
    driver.run({ kind: 'tab-gone', tabId: 'b' });
    for (const seq of [1, 2, 3]) driver.frame({ type: 'ack', seq });
    expect(sentIds(driver)).toEqual(['a1', 'a2', 'a3', 'a4']);
  });

  it('lets a volatile entry wait for its turn, and expires and withdraws what waits', () => {
    const driver = blocking(5, 'a');
    driver.publish('a', [1, 2, 3, 4, 5, 6]);
    driver.publish('a', [7], { volatile: true });
    driver.publish('a', [8], { ttlMs: 1_000 });
    driver.publish('a', [9, 10]);
    driver.ops('a', { kind: 'withdraw', id: 'w', entryId: 'a9' });
    driver.advance(1_000);
    expect([codes(driver, 'a'), answers(driver, 'a')]).toEqual([
      [
        [9, 'cancelled'],
        [8, 'expired'],
      ],
      [['w', 'true']],
    ]);
    for (const seq of [1, 2]) driver.frame({ type: 'ack', seq });
    expect(sentIds(driver).slice(5)).toEqual(['a6', 'a10']);
    expect(codes(driver, 'a').at(-1)).toEqual([7, 'not-open']);
  });
});

describe('a volatile entry', () => {
  const volatile = { volatile: true };

  it('is sent at once and not stored', () => {
    const driver = new HubDriver().connect();
    driver.publish('a', [1], volatile);
    expect([sentIds(driver), driver.all('persist')]).toEqual([['a1'], []]);
    driver.frame({ type: 'ack', seq: 1 });
    expect(driver.itemsOf('a', 'acked')).toEqual([{ kind: 'acked', upTo: 1 }]);
  });

  it('fails at once without an open connection, with a full window or a congested socket', () => {
    const driver = new HubDriver();
    driver.attach('a');
    driver.publish('a', [1], volatile);
    driver.open();
    driver.welcome({ limits: { window: 1 } });
    driver.publish('a', [2]);
    driver.publish('a', [3], volatile);
    driver.frame({ type: 'ack', seq: 1 });
    driver.run({ kind: 'congestion', dial: 1, isCongested: true });
    driver.publish('a', [4], volatile);
    expect(codes(driver, 'a')).toEqual([1, 3, 4].map((tabSeq) => [tabSeq, 'not-open']));
  });

  it('fails with the connection, and is not sent again', () => {
    const driver = new HubDriver().connect();
    driver.publish('a', [1], volatile);
    driver.publish('a', [2]);
    driver.lost();
    expect(codes(driver, 'a')).toEqual([[1, 'not-open']]);
    driver.forget();
    driver.reopen({ lastSeq: 0 });
    expect(sentIds(driver)).toEqual(['a2']);
  });
});

describe('an entry that is taken back', () => {
  it('is answered once that is stored, and not sent', () => {
    const driver = new HubDriver();
    driver.attach('a');
    driver.attach('b');
    driver.publish('a', [1, 2]);
    driver.storesAtOnce = false;
    driver.ops('b', { kind: 'withdraw', id: 'w', entryId: 'a1' });
    expect([answers(driver, 'b'), codes(driver, 'a')]).toEqual([[], []]);
    driver.commit();
    expect([answers(driver, 'b'), codes(driver, 'a')]).toEqual([[['w', 'true']], [[1, 'cancelled']]]);
    driver.open();
    driver.welcome();
    expect(sentIds(driver)).toEqual(['a2']);
  });

  it('is sent all the same if it was under way, or is unknown', () => {
    const driver = new HubDriver().connect();
    driver.publish('a', [1]);
    for (const id of ['a1', 'b1']) driver.ops('a', { kind: 'withdraw', id, entryId: id });
    expect(answers(driver, 'a')).toEqual([
      ['a1', 'false'],
      ['b1', 'false'],
    ]);
  });
});

describe('an entry that is followed', () => {
  const follow = (driver: HubDriver, id: string, entryId: string, until: 'stored' | 'acked') =>
    driver.ops('b', { kind: 'follow', id, entryId, until });

  it('is told of when it is stored, and when it is acknowledged', () => {
    const driver = new HubDriver().connect();
    driver.attach('b');
    driver.storesAtOnce = false;
    driver.publish('a', [1]);
    follow(driver, 's', 'a1', 'stored');
    follow(driver, 'k', 'a1', 'acked');
    expect(answers(driver, 'b')).toEqual([]);
    driver.commit();
    follow(driver, 's2', 'a1', 'stored');
    expect(answers(driver, 'b').map(([id]) => id)).toEqual(['s', 's2']);
    driver.frame({ type: 'ack', seq: 1 });
    expect(answers(driver, 'b').map(([id]) => id)).toEqual(['s', 's2', 'k']);
  });

  it('is told of when it fails, also long after, and where nobody knows it', () => {
    const driver = new HubDriver();
    for (const tab of ['a', 'b']) driver.attach(tab);
    driver.publish('a', [1]);
    follow(driver, 'early', 'a1', 'acked');
    driver.storesAtOnce = false;
    driver.ops('a', { kind: 'withdraw', id: 'w', entryId: 'a1' });
    follow(driver, 'between', 'a1', 'stored');
    expect(answers(driver, 'b')).toEqual([]);
    driver.commit();
    follow(driver, 'late', 'a1', 'acked');
    follow(driver, 'never', 'x1', 'acked');
    expect(answers(driver, 'b')).toEqual([
      ['early', 'cancelled'],
      ['between', 'cancelled'],
      ['late', 'cancelled'],
      ['never', 'unknown-entry'],
    ]);
  });

  it('is followed by so many at most, and by none that has gone', () => {
    const driver = new HubDriver();
    for (const tab of ['a', 'b']) driver.attach(tab);
    driver.publish('a', [1]);
    for (let count = 0; count <= coreLimits.followers; count++) follow(driver, `${count}`, 'a1', 'acked');
    expect(answers(driver, 'b')).toEqual([[`${coreLimits.followers}`, 'queue-full']]);
    driver.run({ kind: 'tab-gone', tabId: 'b' });
    expect(driver.hub.followers).toEqual([]);
  });
});

describe('the list of entries', () => {
  it('shows what has no fate, of all tabs, and what the server may have', () => {
    const driver = new HubDriver({}, { lastSeq: 9, entries: [leftBehind(4)] });
    driver.attach('a');
    driver.publish('a', [1]);
    driver.ops('a', { kind: 'list', id: 'l' });
    expect(driver.itemsOf('a', 'entries')).toEqual([
      {
        kind: 'entries',
        id: 'l',
        entries: [
          { id: 'old4', topic: 't', json: '1', ts: 1_000_000, expiresAt: null, isSent: true },
          {
            id: 'a1',
            topic: 't',
            json: '1',
            ts: 1_000_000,
            expiresAt: driver.now + 86_400_000,
            isSent: false,
          },
        ],
      },
    ]);
  });

  it('is given once to a tab that takes nothing', () => {
    const driver = new HubDriver().connect();
    driver.slowTabs.add('a');
    for (const id of ['1', '2', '3', '4']) driver.ops('a', { kind: 'list', id });
    driver.run({ kind: 'batch-taken', tabId: 'a', number: 99, endedSubs: [] });
    expect(driver.hub.tabs.get('a')?.answers.filter(({ kind }) => kind === 'entries').length).toBeLessThan(2);
  });
});

describe('an outbox that is emptied', () => {
  it('fails everything, forgets cursors, and answers once the store has', () => {
    const driver = new HubDriver(queue({ maxEntries: 2, whenFull: 'block' })).connect();
    driver.publish('a', [1, 2, 3]);
    driver.storesAtOnce = false;
    driver.ops('a', { kind: 'purge', id: 'p' });
    expect([codes(driver, 'a'), answers(driver, 'a')]).toEqual([[[3, 'purged']], []]);
    driver.commit();
    expect(codes(driver, 'a').map(([tabSeq]) => tabSeq)).toEqual([3, 1, 2]);
    expect(answers(driver, 'a')).toEqual([['p', undefined]]);
    expect(storeOf(driver)).toMatchObject({ entries: [], cursors: [] });
    expect(driver.status.queue).toEqual({ entries: 0, bytes: 0 });
  });

  it.each([
    [true, [{ kind: 'error', id: 'p', error: { code: 'storage-failed' } }]],
    // Nothing is stored that could come back.
    [false, [{ kind: 'response', id: 'p' }]],
  ])('in memory says so, if the store may still hold something: %s', (retryable, told) => {
    const driver = new HubDriver(queue({ maxEntries: 2 })).connect();
    driver.publish('a', [1]);
    const error = { code: 'storage-failed', message: 'full', retryable } as const;
    driver.run({ kind: 'store-health', health: { durability: 'memory', error } });
    driver.forget();
    driver.ops('a', { kind: 'purge', id: 'p' });
    expect(codes(driver, 'a')).toEqual([[1, 'purged']]);
    const items = driver.all('deliver').flatMap((effect) => effect.items);
    expect(items.filter(({ kind }) => kind === 'error' || kind === 'response')).toMatchObject(told);
  });

  it('keeps the failures that a tab may not know of', () => {
    const driver = new HubDriver();
    driver.attach('a');
    driver.publish('a', [1]);
    for (const id of ['p', 'q']) driver.ops('a', { kind: 'purge', id });
    expect(storeOf(driver).failures).toMatchObject([{ tabId: 'a', tabSeq: 1, topic: '' }]);
  });
});

describe('the owner of the outbox', () => {
  const authOk = (identity: string) => ({ type: 'auth-ok', payload: { identity } }) as const;
  const handshake = (driver: HubDriver, identity: string) => {
    if (driver.state === 'idle') driver.attach('a');
    driver.open();
    driver.frame(authOk(identity));
  };

  it('is whom the server names first, and is remembered', () => {
    const driver = new HubDriver();
    handshake(driver, 'ada');
    expect(storeOf(driver).owner).toBe('ada');
    driver.forget();
    driver.frame(authOk('ada'));
    expect(driver.all('persist')).toEqual([]);
  });

  it('changes where nothing is pending', () => {
    const driver = new HubDriver({}, { owner: 'ada' });
    handshake(driver, 'bob');
    expect([driver.state, storeOf(driver).owner]).toEqual(['handshaking', 'bob']);
  });

  it('is not replaced while entries wait: nothing is sent until the app has decided', () => {
    const driver = new HubDriver({}, { owner: 'ada', lastSeq: 9, entries: [leftBehind(4)] });
    handshake(driver, 'bob');
    expect(driver.status).toMatchObject({ state: 'suspended', lastError: { code: 'forbidden' } });
    expect(driver.status.lastError?.message).toContain('purge()');
    expect(driver.all('hang-up')).toMatchObject([{ code: closeCodes.forbidden }]);
    driver.ops('a', { kind: 'signal', signal: 'visible' });
    expect(driver.state).toBe('suspended');
    driver.ops('a', { kind: 'purge', id: 'p' }, { kind: 'reconnect', id: 'r' });
    handshake(driver, 'bob');
    driver.welcome();
    expect([driver.state, sentIds(driver), storeOf(driver).owner]).toEqual(['open', [], 'bob']);
  });

  it('is said to the server where the app says it', () => {
    const driver = new HubDriver({ identity: 'ada' });
    driver.attach('a');
    driver.open();
    expect(driver.sent('hello')[0]?.head.payload.identity).toBe('ada');
  });
});

describe('the state of the store', () => {
  it('is told to all tabs', () => {
    const driver = new HubDriver().connect();
    expect(driver.status).toMatchObject({ durability: 'strict', storeError: null });
    const error = errorData('storage-failed', 'disk full');
    driver.run({ kind: 'store-health', health: { durability: 'memory', error } });
    expect(driver.itemsOf('a', 'status').at(-1)?.status).toMatchObject({
      durability: 'memory',
      storeError: error,
    });
  });
});
