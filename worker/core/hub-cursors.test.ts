import { describe, expect, it } from 'vitest';
import { Cursors } from './cursors.ts';
import * as coreLimits from './limits.ts';
import { HubDriver } from './testing/hub-driver.ts';
import type { StoredOutbox } from './store-types.ts';

const subscribe = (driver: HubDriver, tab: string, replay = 0) =>
  driver.ops(tab, { kind: 'subscribe', sub: 1, topic: 't', replay, keepsCursor: true });
const written = (driver: HubDriver) => driver.all('persist').flatMap(({ change }) => change.cursors);
const at = (offset: number, epoch = 'e') => ['t', { epoch, offset }];

/** A hub whose tab a is subscribed to topic t from offset 5 on, and keeps the position. */
function subscribed(stored: Partial<StoredOutbox> = {}): HubDriver {
  const driver = new HubDriver({}, stored).connect();
  subscribe(driver, 'a');
  driver.confirmTopics(5);
  driver.forget();
  return driver;
}

describe('the position in a topic', () => {
  it('is stored from the first confirmation on, before long', () => {
    const driver = subscribed();
    expect([written(driver), driver.dueIn('cursors')]).toEqual([[], coreLimits.cursorDelayMs]);
    driver.advance(coreLimits.cursorDelayMs);
    expect(written(driver)).toEqual([at(5)]);
  });

  it('is that of the messages that a tab has taken, not of those under way', () => {
    const driver = subscribed();
    driver.advance(coreLimits.cursorDelayMs);
    driver.forget();
    driver.slowTabs.add('a');
    driver.messages('t', 6, 7);
    const [batch] = driver.all('deliver');
    driver.advance(coreLimits.cursorDelayMs);
    expect(written(driver)).toEqual([]);
    driver.run({ kind: 'batch-taken', tabId: 'a', number: batch!.number, endedSubs: [] });
    driver.advance(coreLimits.cursorDelayMs);
    expect(written(driver)).toEqual([at(7)]);
  });

  it('stays where it was for what came after its subscription had ended in the tab', () => {
    const driver = subscribed();
    driver.advance(coreLimits.cursorDelayMs);
    driver.forget();
    driver.slowTabs.add('a');
    driver.messages('t', 6, 7);
    const [batch] = driver.all('deliver');
    driver.run({ kind: 'batch-taken', tabId: 'a', number: batch!.number, endedSubs: [1] });
    driver.publish('a', [1]);
    expect(written(driver)).toEqual([]);
  });

  it('goes along with the next commit', () => {
    const driver = subscribed();
    driver.messages('t', 6, 9);
    driver.publish('a', [1]);
    expect(driver.all('persist')).toMatchObject([{ change: { entries: [{}], cursors: [at(9)] } }]);
  });

  it('is that of the tab that is furthest', () => {
    const driver = subscribed();
    driver.attach('b');
    subscribe(driver, 'b');
    driver.slowTabs.add('a');
    driver.messages('t', 6, 6);
    driver.messages('t', 7, 8);
    driver.run({ kind: 'batch-taken', tabId: 'a', number: 1, endedSubs: [] });
    driver.advance(coreLimits.cursorDelayMs);
    expect(written(driver)).toEqual([at(8)]);
  });

  it('moves with a gap', () => {
    const driver = subscribed();
    driver.frame({ type: 'gap', topic: 't', epoch: 'f', offset: 3, payload: { reason: 'epoch' } });
    driver.advance(coreLimits.cursorDelayMs);
    expect(written(driver)).toEqual([at(3, 'f')]);
  });

  it('is written when the last tab goes', () => {
    const driver = subscribed();
    driver.run({ kind: 'tab-gone', tabId: 'a' });
    expect(written(driver)).toEqual([at(5)]);
  });

  it('is where the next subscription begins, of this hub and of later ones', () => {
    const cursors = [['t', { epoch: 'e', offset: 3 }]] as const;
    const driver = new HubDriver({}, { cursors }).connect();
    subscribe(driver, 'a', 9);
    expect(driver.sent('subscribe')[0]?.head.resume).toEqual({ epoch: 'e', offset: 3 });
  });

  it('is of no concern to a subscription that does not ask for it', () => {
    const driver = new HubDriver({}, { cursors: [['t', { epoch: 'e', offset: 3 }]] }).connect();
    driver.subscribe('a', 1);
    expect(driver.sent('subscribe')[0]?.head.resume).toBeUndefined();
    driver.confirmTopics(5);
    driver.messages('t', 6, 6);
    driver.advance(coreLimits.cursorDelayMs);
    expect(written(driver)).toEqual([]);
  });
});

describe('cursors', () => {
  it('move forward, and to the epoch in which the hub is', () => {
    const cursors = new Cursors([]);
    const position = (offset: number, epoch = 'e') => ({ epoch, offset });
    const moves = [
      cursors.move('t', position(5), position(9)),
      cursors.move('t', position(4), position(9)),
      cursors.move('t', position(1, 'f'), position(2, 'f')),
      cursors.move('t', position(9), position(2, 'f')),
    ];
    expect([moves, cursors.get('t')]).toEqual([[true, false, true, false], position(1, 'f')]);
  });

  it('are bounded: the one that has not moved for longest goes', () => {
    const cursors = new Cursors([]);
    for (let index = 0; index <= coreLimits.cursors; index++) {
      cursors.move(`${index}`, { epoch: 'e', offset: 1 }, { epoch: 'e', offset: 1 });
    }
    expect([cursors.get('0'), cursors.get('1')]).toEqual([undefined, { epoch: 'e', offset: 1 }]);
  });
});
