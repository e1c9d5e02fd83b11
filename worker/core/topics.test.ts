import { describe, expect, it } from 'vitest';
import { joined } from './testing/config.ts';
import { collectMessages } from './collect.ts';
import type { Position, TabItem } from './hub-api.ts';
import * as coreLimits from './limits.ts';
import type { Tab } from './tab-types.ts';
import { takeAnswers } from './tabs.ts';
import { gap, message, messages, subscribed, tabsOf } from './testing/topics.ts';
import { Topics } from './topics.ts';

const wish = (sub: number, more: { topic?: string; replay?: number; since?: Position } = {}) => ({
  sub,
  topic: 't',
  replay: 0,
  ...more,
});

/** What a tab sees: offsets of messages, and words for the rest. */
const seen = (tab: Tab): (number | string)[] =>
  [...takeAnswers(tab), ...collectMessages(tab)].flatMap((item: TabItem): (number | string)[] => {
    if (item.kind === 'messages') {
      const rows = JSON.parse(item.rows) as unknown[];
      return rows.map((_, index) => item.offset + index).slice(item.skip);
    }
    if (item.kind === 'gap') return [`gap ${item.reason} ${item.missed} ${item.epoch}${item.offset}`];
    if (item.kind === 'subscribed') return [`at ${item.position.epoch}${item.position.offset}`];
    return [item.kind === 'bytes' ? item.offset : item.kind];
  });

/** Topics in which tab a is subscribed to `t`, live from offset 10 on. */
function live(replay = 0) {
  const [a, b, c] = tabsOf('a', 'b', 'c') as [Tab, Tab, Tab];
  const topics = new Topics(joined);
  topics.subscribe(a, wish(1, { replay }));
  confirm(topics, 10 - replay, 10);
  return { topics, a, b, c };
}

function confirm(topics: Topics, offset: number, head = offset, epoch = 'e'): void {
  for (const request of topics.ask()) {
    if (request.kind === 'subscribe') {
      topics.confirmed(subscribed({ re: request.id, topic: request.topic, offset, head, epoch }));
    }
  }
}

describe('a topic', () => {
  it('is asked for once per session, for all tabs', () => {
    const { topics, b } = live();
    topics.subscribe(b, wish(1));
    expect(topics.ask()).toEqual([]);
    topics.sessionLost();
    expect(topics.ask()).toMatchObject([
      { kind: 'subscribe', topic: 't', resume: { epoch: 'e', offset: 10 } },
    ]);
    expect(topics.ask()).toEqual([]);
  });

  it('is asked for with the longest replay that a tab wants', () => {
    const [a, b] = tabsOf('a', 'b') as [Tab, Tab];
    const topics = new Topics(joined);
    topics.subscribe(a, wish(1, { replay: 3 }));
    topics.subscribe(b, wish(1, { replay: 20 }));
    expect(topics.ask()).toMatchObject([{ replay: 20, resume: null }]);
  });

  it('is asked for from the oldest position that a tab knows of', () => {
    const [a, b, c] = tabsOf('a', 'b', 'c') as [Tab, Tab, Tab];
    const topics = new Topics(joined);
    topics.subscribe(a, wish(1, { since: { epoch: 'e', offset: 7 } }));
    topics.subscribe(b, wish(1, { since: { epoch: 'e', offset: 5 } }));
    topics.subscribe(c, wish(1));
    expect(topics.ask()).toMatchObject([{ resume: { epoch: 'e', offset: 5 } }]);
  });

  it('ends at the server with its last subscription', () => {
    const { topics, a, b } = live();
    topics.subscribe(b, wish(1));
    expect(topics.unsubscribe(a, 1)).toEqual([]);
    expect(topics.unsubscribe(a, 1)).toEqual([]);
    expect(topics.unsubscribe(b, 1)).toEqual([{ kind: 'unsubscribe', topic: 't' }]);
    expect(topics.size).toBe(0);
  });

  it('that was not asked for yet needs no goodbye', () => {
    const [a] = tabsOf('a');
    const topics = new Topics(joined);
    topics.subscribe(a!, wish(1));
    expect(topics.unsubscribe(a!, 1)).toEqual([]);
  });

  it('ends with its tab', () => {
    const { topics, a } = live();
    topics.subscribe(a, wish(2));
    topics.subscribe(a, wish(3, { topic: 'u' }));
    expect(topics.dropTab(a)).toEqual([{ kind: 'unsubscribe', topic: 't' }]);
    expect([topics.size, a.subscriptions.size, a.ready.size]).toEqual([0, 0, 0]);
  });

  it('takes no answer to an earlier question', () => {
    const { topics, a, b } = live();
    topics.unsubscribe(a, 1);
    topics.subscribe(b, wish(1));
    topics.ask();
    topics.confirmed(subscribed({ re: 's1', offset: 3 }));
    topics.take(messages(4, 5));
    expect(seen(b)).toEqual([]);
  });
});

describe('a bound', () => {
  it('holds for the subscriptions of one tab', () => {
    const [a] = tabsOf('a');
    const topics = new Topics(joined);
    const subscribe = (sub: number) => topics.subscribe(a!, wish(sub));
    for (let sub = 0; sub < coreLimits.subscriptionsPerTab; sub++) expect(subscribe(sub)).toBeUndefined();
    expect(subscribe(-1)).toMatchObject({ code: 'queue-full' });
    topics.unsubscribe(a!, 5);
    expect(subscribe(-1)).toBeUndefined();
  });

  it('holds for the topics of all tabs', () => {
    const topics = new Topics(joined);
    const tabs = tabsOf('a', 'b');
    for (let index = 0; index < coreLimits.topics; index++) {
      topics.subscribe(tabs[index % 2]!, wish(index, { topic: `t${index}` }));
    }
    expect(topics.subscribe(tabs[0]!, wish(-1, { topic: 'more' }))).toMatchObject({ code: 'queue-full' });
    expect(topics.subscribe(tabs[0]!, wish(-1, { topic: 't1' }))).toBeUndefined();
  });
});

describe('a refusal', () => {
  it('ends all subscriptions to the topic, and no other', () => {
    const [a, b] = tabsOf('a', 'b') as [Tab, Tab];
    const topics = new Topics(joined);
    topics.subscribe(a, wish(1));
    topics.subscribe(b, wish(4));
    topics.subscribe(b, wish(5, { topic: 'u' }));
    const [first] = topics.ask();
    const re = first?.kind === 'subscribe' ? first.id : '';
    expect(topics.refused(re).map(({ tab, sub }) => [tab.id, sub])).toEqual([
      ['a', 1],
      ['b', 4],
    ]);
    expect(topics.refused(re)).toEqual([]);
    expect(topics.size).toBe(1);
  });
});

describe('messages', () => {
  it('reach every subscription from its start on', () => {
    const { topics, a, b } = live();
    topics.take(messages(11, 12));
    topics.subscribe(b, wish(1));
    topics.take(messages(13, 13));
    expect(seen(a)).toEqual(['at e10', 11, 12, 13]);
    expect(seen(b)).toEqual(['at e12', 13]);
  });

  it('that the hub has already are skipped', () => {
    const { topics, a } = live();
    topics.take(messages(11, 14));
    topics.take(messages(13, 16));
    topics.take(messages(11, 12));
    expect(seen(a)).toEqual(['at e10', 11, 12, 13, 14, 15, 16]);
  });

  it('with a hole in them are told as a gap', () => {
    const { topics, a } = live();
    topics.take([...messages(11, 11), ...messages(15, 15)]);
    expect(seen(a)).toEqual(['at e10', 11, 'gap history 3 e14', 15]);
  });

  it('of another epoch are told as a gap', () => {
    const { topics, a } = live();
    topics.take(messages(1, 2, { epoch: 'f' }));
    expect(seen(a)).toEqual(['at e10', 'gap epoch null f0', 1, 2]);
  });

  it('of a topic that nobody has are dropped', () => {
    const { topics, a } = live();
    topics.take(messages(1, 2, { topic: 'unknown' }));
    expect(seen(a)).toEqual(['at e10']);
  });

  it('as bytes stand alone, in their place, in a buffer of their own', () => {
    const { topics, a } = live();
    const frame = new Uint8Array([0, 1, 2, 3]);
    topics.take([
      message({ offset: 11 }),
      message({ offset: 12, payload: frame.subarray(1, 3) }),
      message({ offset: 13 }),
    ]);
    const items = collectMessages(a);
    expect(items.map(({ kind }) => kind)).toEqual(['messages', 'bytes', 'messages']);
    const bytes = items[1]?.kind === 'bytes' ? items[1].bytes : new ArrayBuffer();
    expect([...new Uint8Array(bytes)]).toEqual([1, 2]);
  });

  it('of several topics in one frame go where they belong', () => {
    const { topics, a, b } = live();
    topics.subscribe(b, wish(1, { topic: 'u' }));
    confirm(topics, 0);
    const [first, second] = messages(1, 2, { topic: 'u' });
    topics.take([message({ offset: 11 }), first!, second!, message({ offset: 12 })]);
    expect(seen(a)).toEqual(['at e10', 11, 12]);
    expect(seen(b)).toEqual(['at e0', 1, 2]);
  });
});

describe('a gap', () => {
  it('of the server is told to every subscription', () => {
    const { topics, a, b } = live();
    topics.subscribe(b, wish(1));
    topics.gap(gap({ offset: 30, payload: { reason: 'history', missed: 20 } }));
    topics.take(messages(31, 31));
    for (const tab of [a, b]) expect(seen(tab)).toEqual(['at e10', 'gap history 20 e30', 31]);
  });
});

describe('a late subscription', () => {
  it('begins with the kept messages that it wants', () => {
    const { topics, b, c } = live();
    topics.take(messages(11, 15));
    topics.subscribe(b, wish(1, { replay: 2 }));
    topics.subscribe(c, wish(1, { replay: 999 }));
    expect(seen(b)).toEqual(['at e15', 14, 15]);
    expect(seen(c)).toEqual(['at e15', 11, 12, 13, 14, 15]);
  });

  it('goes on in the tail where it was', () => {
    const { topics, b } = live();
    topics.take(messages(11, 15));
    topics.subscribe(b, wish(1, { since: { epoch: 'e', offset: 13 } }));
    topics.take(messages(16, 16));
    expect(seen(b)).toEqual(['at e13', 14, 15, 16]);
  });

  it('goes on at the very end of an empty tail', () => {
    const { topics, b } = live();
    topics.subscribe(b, wish(1, { since: { epoch: 'e', offset: 10 } }));
    topics.take(messages(11, 11));
    expect(seen(b)).toEqual(['at e10', 11]);
  });

  it('sees a gap where its epoch has ended', () => {
    const { topics, c } = live();
    topics.take(messages(11, 12));
    topics.subscribe(c, wish(1, { since: { epoch: 'old', offset: 3 } }));
    expect(seen(c)).toEqual(['at old3', 'gap epoch null e10', 11, 12]);
  });

  it('makes the hub ask again from where the tail does not reach back to it', () => {
    const { topics, a, b } = live();
    topics.take(messages(11, 12));
    expect(seen(a)).toEqual(['at e10', 11, 12]);
    topics.subscribe(b, wish(1, { since: { epoch: 'e', offset: 3 } }));
    const [request] = topics.ask();
    expect(request).toMatchObject({ kind: 'subscribe', resume: { epoch: 'e', offset: 3 } });
    topics.take(messages(13, 13));
    topics.confirmed(subscribed({ re: (request as { id: string }).id, epoch: 'e', offset: 3, head: 13 }));
    topics.take(messages(4, 13));
    expect(seen(a)).toEqual(['at e12', 13]);
    expect(seen(b)).toEqual(['at e3', 4, 5, 6, 7, 8, 9, 10, 11, 12, 13]);
  });

  it('that comes while the topic is asked for, and was further behind, makes the hub ask again', () => {
    const [a, b] = tabsOf('a', 'b') as [Tab, Tab];
    const topics = new Topics(joined);
    topics.subscribe(a, wish(1, { since: { epoch: 'e', offset: 8 } }));
    const [first] = topics.ask();
    topics.subscribe(b, wish(1, { since: { epoch: 'e', offset: 3 } }));
    expect(topics.ask()).toEqual([]);
    topics.confirmed(subscribed({ re: (first as { id: string }).id, epoch: 'e', offset: 8, head: 9 }));
    expect(topics.ask()).toMatchObject([{ kind: 'subscribe', resume: { epoch: 'e', offset: 3 } }]);
  });

  it('that is ahead of the hub sees nothing twice', () => {
    const { topics, b } = live();
    topics.subscribe(b, wish(1, { since: { epoch: 'e', offset: 12 } }));
    topics.take(messages(11, 14));
    expect(seen(b)).toEqual(['at e12', 13, 14]);
  });
});

describe('the first confirmation', () => {
  /** Subscribes tabs with these wishes, and answers with the server's history from `offset` to `head`. */
  function begin(wishes: readonly { replay?: number; since?: Position }[], offset: number, head: number) {
    const tabs = tabsOf(...wishes.map((_, index) => `tab${index}`));
    const topics = new Topics(joined);
    for (const [index, more] of wishes.entries()) topics.subscribe(tabs[index]!, wish(1, more));
    confirm(topics, offset, head);
    return { topics, tabs };
  }

  it('gives each subscription as much of the history as it wants', () => {
    const { topics, tabs } = begin([{ replay: 0 }, { replay: 2 }, { replay: 4 }, { replay: 99 }], 6, 10);
    topics.take(messages(7, 11));
    const [none, two, four, all] = tabs.map((tab) => seen(tab).slice(1));
    expect(none).toEqual([11]);
    expect(two).toEqual([9, 10, 11]);
    expect(four).toEqual([7, 8, 9, 10, 11]);
    expect(all).toEqual(four);
  });

  it('goes on for each subscription where it was', () => {
    const since = (offset: number) => ({ since: { epoch: 'e', offset } });
    const { topics, tabs } = begin([since(6), since(9), since(10)], 6, 10);
    topics.take(messages(7, 11));
    expect(tabs.map(seen)).toEqual([
      ['at e6', 7, 8, 9, 10, 11],
      ['at e9', 10, 11],
      ['at e10', 11],
    ]);
  });

  it('tells the gap that follows to those who were before it, and not to a new subscription', () => {
    const { topics, tabs } = begin([{ since: { epoch: 'e', offset: 2 } }, {}], 6, 10);
    topics.gap(gap({ offset: 6, payload: { reason: 'history', missed: 4 } }));
    topics.take(messages(7, 11));
    const [old, fresh] = tabs.map(seen);
    expect(old).toEqual(['at e2', 'gap history 4 e6', 7, 8, 9, 10, 11]);
    expect(fresh!.slice(1)).toEqual([11]);
  });

  it('keeps every subscription in step where the history breaks off in the middle', () => {
    const { topics, tabs } = begin([{ replay: 10 }, { replay: 0 }, {}], 0, 10);
    topics.take(messages(1, 3));
    topics.gap(gap({ offset: 50, payload: { reason: 'history', missed: 47 } }));
    topics.take(messages(51, 52));
    for (const tab of tabs) expect(seen(tab).slice(-3)).toEqual(['gap history 47 e50', 51, 52]);
  });
});

describe('a resumed topic', () => {
  it('goes on for everybody where the hub was', () => {
    const { topics, a } = live();
    topics.take(messages(11, 12));
    topics.sessionLost();
    topics.take(messages(13, 13));
    confirm(topics, 12, 14);
    topics.take(messages(13, 14));
    expect(seen(a)).toEqual(['at e10', 11, 12, 13, 14]);
  });

  it('takes in subscriptions that come while it is away', () => {
    const { topics, b } = live();
    topics.sessionLost();
    topics.subscribe(b, wish(1));
    expect(seen(b)).toEqual(['at e10']);
    confirm(topics, 10, 12);
    topics.take(messages(11, 12));
    expect(seen(b)).toEqual([11, 12]);
  });
});
