import { describe, expect, it } from 'vitest';
import { HubDriver } from './testing/hub-driver.ts';

const member = (identity: string) => ({ identity, since: 1 });
const watch = (driver: HubDriver, tabId: string, resumes = false) =>
  driver.ops(tabId, { kind: 'watch', watch: 1, topic: 't', resumes });
const answer = (driver: HubDriver, ...names: string[]) =>
  driver.frame({
    type: 'presence',
    re: driver.sent('watch').at(-1)!.head.id,
    topic: 't',
    payload: { members: names.map(member), count: names.length },
  });

describe('presence lists', () => {
  it('are asked for once for all tabs, and a late tab gets what the hub has', () => {
    const driver = new HubDriver().connect();
    driver.attach('b');
    watch(driver, 'a');
    answer(driver, 'ada');
    driver.frame({ type: 'presence-change', topic: 't', payload: { joined: member('bob'), count: 2 } });
    watch(driver, 'b');
    expect(driver.sent('watch')).toHaveLength(1);
    const members = [member('ada'), member('bob')];
    expect(driver.itemsOf('b', 'presence')).toEqual([{ kind: 'presence', watch: 1, members, count: 2 }]);
    expect(driver.itemsOf('a', 'presence-change')).toMatchObject([{ joined: member('bob'), count: 2 }]);
    driver.ops('a', { kind: 'unwatch', watch: 1 });
    expect(driver.sent('unwatch')).toEqual([]);
    driver.run({ kind: 'tab-gone', tabId: 'b' });
    expect(driver.sent('unwatch')).toHaveLength(1);
  });

  it('take in whom the server names in the place of one who leaves', () => {
    const driver = new HubDriver().connect();
    driver.attach('b');
    watch(driver, 'a');
    answer(driver, 'ada', 'bob');
    const change = { left: member('ada'), named: member('cyd'), count: 2 };
    driver.frame({ type: 'presence-change', topic: 't', payload: change });
    expect(driver.itemsOf('a', 'presence-change')).toMatchObject([change]);
    watch(driver, 'b');
    expect(driver.itemsOf('b', 'presence')).toMatchObject([
      { members: [member('bob'), member('cyd')], count: 2 },
    ]);
  });

  it('are asked for again after a loss, as ones that resume', () => {
    const driver = new HubDriver().connect();
    watch(driver, 'a');
    answer(driver, 'ada');
    driver.lost();
    driver.forget();
    driver.reopen();
    expect(driver.sent('watch')).toMatchObject([{ head: { topic: 't', resumes: true } }]);
    answer(driver, 'bob');
    expect(driver.itemsOf('a', 'presence')).toMatchObject([{ members: [member('bob')] }]);
  });

  it.each(['the server is asked', 'the server has answered'])(
    'are asked for once more, as ones that resume, where a tab with an older list comes after one without, and %s',
    (stage) => {
      const driver = new HubDriver().connect();
      driver.attach('b');
      watch(driver, 'b');
      if (stage === 'the server has answered') answer(driver, 'bob');
      const early = driver.sent('watch')[0]!.head.id;
      watch(driver, 'a', true);
      expect(driver.sent('watch').map(({ head }) => head.resumes)).toEqual([false, true]);
      // The first answer, a change and a list in place of changes may be those of a server that has just started.
      const payload = { members: [member('bob')], count: 1 };
      driver.frame(
        { type: 'presence', re: early, topic: 't', payload },
        { type: 'presence-change', topic: 't', payload: { joined: member('cyd'), count: 2 } },
        { type: 'presence', topic: 't', payload },
      );
      expect([driver.itemsOf('a', 'presence'), driver.itemsOf('a', 'presence-change')]).toEqual([[], []]);
      answer(driver, 'ada', 'bob', 'cyd');
      for (const tabId of ['a', 'b']) {
        expect(driver.itemsOf(tabId, 'presence').at(-1)).toMatchObject({ count: 3 });
      }
      expect(driver.itemsOf('a', 'presence')).toHaveLength(1);
      // From now on the list is sure.
      driver.attach('c');
      watch(driver, 'c', true);
      expect(driver.itemsOf('c', 'presence')).toMatchObject([{ count: 3 }]);
      expect(driver.sent('watch')).toHaveLength(2);
    },
  );

  it('are asked for as ones that resume where a tab with an older list comes before the session', () => {
    const driver = new HubDriver();
    driver.attach('a');
    driver.attach('b');
    watch(driver, 'b');
    watch(driver, 'a', true);
    driver.open();
    driver.welcome();
    expect(driver.sent('watch').map(({ head }) => head.resumes)).toEqual([true]);
  });

  it('end with the reason of the server', () => {
    const driver = new HubDriver().connect();
    watch(driver, 'a');
    answer(driver);
    driver.frame({ type: 'revoked', topic: 't', what: 'presence', payload: { reason: 'out' } });
    const error = { code: 'forbidden', message: 'out', retryable: false, detail: 'revoked' };
    expect(driver.itemsOf('a', 'presence-ended')).toEqual([{ kind: 'presence-ended', watch: 1, error }]);
    expect(driver.hub.presences.size).toBe(0);
  });
});

describe('a revoked subscription', () => {
  it('ends in all tabs, and is not asked for again', () => {
    const driver = new HubDriver().connect();
    driver.attach('b');
    for (const tabId of ['a', 'b']) driver.subscribe(tabId, 1);
    driver.confirmTopics();
    driver.frame({ type: 'revoked', topic: 't', what: 'subscribe', payload: { reason: 'out' } });
    for (const tabId of ['a', 'b']) {
      expect(driver.itemsOf(tabId, 'refused')).toMatchObject([
        { error: { code: 'forbidden', message: 'out' } },
      ]);
    }
    driver.lost();
    driver.forget();
    driver.reopen();
    expect(driver.sent('subscribe')).toEqual([]);
  });
});

describe('signals', () => {
  const signal = { kind: 'send-signal', topic: 't', json: '{"typing":true}' } as const;

  it('go to all tabs that are subscribed but the one that sent them', () => {
    const driver = new HubDriver().connect();
    driver.attach('b');
    for (const tabId of ['a', 'b']) driver.subscribe(tabId, 1);
    driver.confirmTopics();
    driver.ops('a', signal);
    const { head, json } = driver.sent('signal')[0]!;
    expect(json).toBe('{"value":{"typing":true}}');
    driver.frame({ type: 'signal', re: head.id, topic: 't', payload: { identity: 'ada', value: 1 } });
    expect(driver.itemsOf('a', 'signal')).toEqual([]);
    expect(driver.itemsOf('b', 'signal')).toEqual([{ kind: 'signal', sub: 1, identity: 'ada', json: '1' }]);
  });

  it('are dropped, told and counted while the connection is not open, and where the server refuses them', () => {
    const driver = new HubDriver().connect();
    driver.ops('a', signal);
    const { id } = driver.sent('signal')[0]!.head;
    const payload = { code: 'forbidden', message: 'no' };
    driver.frame({ type: 'error', re: id, topic: 't', payload });
    driver.lost();
    driver.ops('a', signal);
    expect(driver.sent('signal')).toHaveLength(1);
    expect(driver.itemsOf('a', 'signal-dropped').map(({ error }) => error.code)).toEqual([
      'forbidden',
      'not-open',
    ]);
    expect(driver.status.signalsDropped).toBe(2);
  });
});
