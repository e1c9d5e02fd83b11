import { describe, expect, it } from 'vitest';
import { joined } from './testing/config.ts';
import { collectMessages } from './collect.ts';
import type { TabItem } from './hub-api.ts';
import * as coreLimits from './limits.ts';
import type { Tab } from './tab-types.ts';
import { messages, subscribed, tabsOf } from './testing/topics.ts';
import { Topics } from './topics.ts';

/** A tab that is subscribed to these topics, as subscriptions 1, 2, ... */
function subscribedTo(...names: string[]): { readonly tab: Tab; readonly topics: Topics } {
  const [tab] = tabsOf('a');
  const topics = new Topics(joined);
  for (const [index, topic] of names.entries()) topics.subscribe(tab!, { sub: index + 1, topic, replay: 0 });
  for (const request of topics.ask()) {
    if (request.kind === 'subscribe') topics.confirmed(subscribed({ ...request, re: request.id, offset: 0 }));
  }
  return { tab: tab!, topics };
}

const countOf = (items: readonly TabItem[]) =>
  items.reduce((sum, item) => {
    if (item.kind !== 'messages') return sum;
    return sum + (JSON.parse(item.rows) as unknown[]).length - item.skip;
  }, 0);

const subs = (items: readonly TabItem[]) => items.map((item) => 'sub' in item && item.sub);

/** Messages in frames of 64, as a server sends them. */
function flood(topics: Topics, topic: string, first: number, count: number): void {
  for (let offset = first; offset < first + count; offset += 64) {
    topics.take(messages(offset, Math.min(offset + 63, first + count - 1), { topic }));
  }
}

describe('a batch of messages', () => {
  it('holds what there is of all topics, in the order of each', () => {
    const { tab, topics } = subscribedTo('t', 'u');
    topics.take(messages(1, 2, { topic: 't' }));
    topics.take(messages(1, 1, { topic: 'u' }));
    topics.take(messages(3, 3, { topic: 't' }));
    const items = collectMessages(tab);
    expect(items.map((item) => item.kind === 'messages' && [item.sub, item.offset])).toEqual([
      [1, 1],
      [1, 3],
      [2, 1],
    ]);
    expect(collectMessages(tab)).toEqual([]);
  });

  it('ends at its bound of messages, and the next one goes on there', () => {
    const { tab, topics } = subscribedTo('t');
    flood(topics, 't', 1, coreLimits.batchMessages + 100);
    expect(countOf(collectMessages(tab))).toBe(coreLimits.batchMessages);
    expect(tab.ready.size).toBe(1);
    expect(countOf(collectMessages(tab))).toBe(100);
    expect(tab.ready.size).toBe(0);
  });

  it('ends at its bound of bytes', () => {
    const { tab, topics } = subscribedTo('t');
    const payload = 'x'.repeat(coreLimits.batchBytes / 2);
    for (let offset = 1; offset <= 4; offset++) topics.take(messages(offset, offset, { payload }));
    expect([collectMessages(tab), collectMessages(tab)].map(countOf)).toEqual([2, 2]);
  });

  it('gives a quiet topic its turn beside a flood', () => {
    const { tab, topics } = subscribedTo('flood', 'quiet');
    flood(topics, 'flood', 1, coreLimits.batchMessages * 2);
    topics.take(messages(1, 1, { topic: 'quiet' }));
    expect(new Set(subs(collectMessages(tab)))).toEqual(new Set([1]));
    expect(subs(collectMessages(tab))[0]).toBe(2);
  });

  it('has nothing of a subscription that is paused', () => {
    const { tab, topics } = subscribedTo('t');
    topics.take(messages(1, 1));
    tab.subscriptions.get(1)!.paused = true;
    expect(collectMessages(tab)).toEqual([]);
  });
});

describe('a tab that is too slow for the tail', () => {
  it('gets a gap with the number of messages that it missed, and goes on behind it', () => {
    const { tab, topics } = subscribedTo('t');
    topics.take(messages(1, 10));
    flood(topics, 't', 11, coreLimits.tailMessages);
    const [gap, first] = collectMessages(tab);
    const { begin } = topics.get('t')!.tail;
    expect(begin).toBeGreaterThan(0);
    expect(gap).toEqual({
      kind: 'gap',
      sub: 1,
      epoch: 'e',
      offset: begin,
      reason: 'slow-tab',
      missed: begin,
    });
    expect(first).toMatchObject({ kind: 'messages', offset: begin + 1 });
  });

  it('gets no gap for messages that were not for it', () => {
    const [fresh, old] = tabsOf('fresh', 'old');
    const topics = new Topics(joined);
    topics.subscribe(old!, { sub: 1, topic: 't', replay: 0, since: { epoch: 'e', offset: 0 } });
    topics.subscribe(fresh!, { sub: 1, topic: 't', replay: 0 });
    const head = coreLimits.tailMessages + 1_000;
    for (const request of topics.ask()) {
      if (request.kind === 'subscribe') topics.confirmed(subscribed({ re: request.id, offset: 0, head }));
    }
    flood(topics, 't', 1, head);
    topics.take(messages(head + 1, head + 1));
    const items = [...collectMessages(fresh!), ...collectMessages(fresh!)];
    expect(items).toMatchObject([{ kind: 'messages', offset: head + 1 }]);
    expect(collectMessages(old!)[0]).toMatchObject({ kind: 'gap', reason: 'slow-tab' });
  });
});
