import { afterEach, describe, expect, expectTypeOf, inject, it, vi } from 'vitest';
import { EventLog } from '../worker/testing/event-log.ts';
import { askServer } from '../worker/testing/test-server.ts';
import { connect } from './connect.ts';
import type { ConnectOptions, Message, OneSocket, SocketStatus } from './types.ts';

interface App {
  topics: { ticks: { price: number }; [chat: `chat:${string}`]: { text: string } };
  requests: {
    echo: { input: { sku: string }; output: { sku: string } };
    fail: { input: null; output: never };
  };
}

const urls = inject('serverUrls');
const sockets: OneSocket<App>[] = [];
afterEach(() => Promise.all(sockets.splice(0).map((socket) => socket.close())));

/** A tab of its own in this page. Those with the same name share a hub. */
function open({
  url = urls.realtime,
  name = crypto.randomUUID(),
  ...options
}: ConnectOptions & { url?: string } = {}) {
  const socket = connect<App>(`${url}?${name}`, { name, ...options });
  sockets.push(socket);
  const statuses = new EventLog<SocketStatus>();
  socket.addEventListener('status', ({ detail }) => statuses.add(detail));
  const reaches = (state: SocketStatus['state']) =>
    statuses.until((all) => all.find((status) => status.state === state));
  return { socket, name, statuses, reaches, ask: askServer(urls.commands, name) };
}

const newTopic = () => `chat:${crypto.randomUUID()}` as const;

/** Whether a tab holds its lock, or asks for it. */
async function wantsLock({ status }: OneSocket<App>): Promise<boolean> {
  const { held = [], pending = [] } = await navigator.locks.query();
  return [...held, ...pending].some(({ name }) => name?.includes(`:${status.tabId}`));
}

async function take<T>(messages: AsyncIterable<Message<T>>, count: number): Promise<T[]> {
  const payloads: T[] = [];
  for await (const { payload } of messages) if (payloads.push(payload) === count) break;
  return payloads;
}

describe('connect', () => {
  it('returns at once, and tells every step to the open connection', async () => {
    const { socket, statuses, reaches, ask } = open();
    expect(socket.status).toMatchObject({ state: 'connecting', host: null, hubId: null });
    const status = await reaches('open');
    expect(status).toMatchObject({ host: 'shared-worker', tabs: [socket.status.tabId], lastError: null });
    expect(socket.status).toBe(statuses.events.at(-1));
    await expect(ask('connections')).resolves.toEqual({ now: 1, ever: 1 });
  });

  it('shares one connection between tabs, which see each other', async () => {
    const a = open();
    const b = open({ name: a.name });
    await Promise.all(
      [a, b].map(({ statuses }) => statuses.until((all) => all.some(({ tabs }) => tabs.length === 2))),
    );
    await Promise.all([a.reaches('open'), b.reaches('open')]);
    expect(a.socket.status.hubId).toBe(b.socket.status.hubId);
    await expect(a.ask('connections')).resolves.toEqual({ now: 1, ever: 1 });
  });

  it('is closed where the worker cannot be loaded, and says why', async () => {
    const { socket, reaches } = open({ worker: '/there-is-no-such-worker.js' });
    const request = socket.request('echo', { sku: 'a' });
    await expect(request).rejects.toMatchObject({ code: 'host-unavailable' });
    await expect(reaches('closed')).resolves.toMatchObject({ lastError: { code: 'host-unavailable' } });
  });
});

describe('a round trip', () => {
  it('brings a publish to every tab that subscribes, in one order', async () => {
    const topic = newTopic();
    const a = open();
    const b = open({ name: a.name });
    const subscriptions = [a, b].map(({ socket }) => socket.subscribe(topic));
    const reading = subscriptions.map((subscription) => take(subscription, 4));
    await Promise.all(subscriptions.map(({ ready }) => ready));
    const deliveries = [1, 2].flatMap((n) =>
      [a, b].map(({ socket }, index) => socket.publish(topic, { text: `${'ab'[index]}${n}` })),
    );
    await Promise.all(deliveries.flatMap(({ stored, acked }) => [stored, acked]));
    const [atA, atB] = await Promise.all(reading);
    expect(atB).toEqual(atA);
    expect(atA?.map(({ text }) => text).toSorted()).toEqual(['a1', 'a2', 'b1', 'b2']);
  });

  it('gives a message its topic, its id and its place', async () => {
    const topic = newTopic();
    const { socket } = open();
    const subscription = socket.subscribe(topic);
    const messages = new EventLog<Message<{ text: string }>>();
    subscription.onMessage(messages.add);
    await subscription.ready;
    const { id, acked } = socket.publish(topic, { text: 'ä€😀' });
    const message = await messages.until(([first]) => first);
    expect(message).toEqual({
      topic,
      id,
      payload: { text: 'ä€😀' },
      offset: 1,
      epoch: expect.any(String),
      ts: expect.any(Number),
    });
    await acked;
  });

  it('answers a request, and rejects one that the server refuses', async () => {
    const { socket } = open();
    await expect(socket.request('echo', { sku: 'a' })).resolves.toEqual({ sku: 'a' });
    await expect(socket.request('fail', null)).rejects.toMatchObject({
      name: 'ConnectionError',
      message: 'only 3 are left',
    });
  });

  it('has the types of the app', () => {
    const { socket } = open();
    expectTypeOf(socket.subscribe('ticks')).toExtend<AsyncIterable<Message<{ price: number }>>>();
    expectTypeOf(socket.subscribe('chat:1')).toExtend<AsyncIterable<Message<{ text: string }>>>();
    expectTypeOf(socket.request<'echo'>).returns.resolves.toEqualTypeOf<{ sku: string }>();
    expectTypeOf(socket.publish<'ticks'>)
      .parameter(1)
      .toEqualTypeOf<{ price: number }>();
    // @ts-expect-error There is no such topic.
    socket.subscribe('news').ready.catch(() => {});
  });
});

describe('an iterator', () => {
  it('sees the messages that came between the subscribe and its first step', async () => {
    const topic = newTopic();
    const { socket } = open();
    const subscription = socket.subscribe(topic);
    for (const text of ['one', 'two', 'three']) await socket.publish(topic, { text }).acked;
    await socket.request('echo', { sku: 'what was published has come by now' });
    await expect(take(subscription, 3)).resolves.toEqual(['one', 'two', 'three'].map((text) => ({ text })));
  });

  it('ends with the subscription, after what it has still to read', async () => {
    const topic = newTopic();
    const { socket } = open();
    const subscription = socket.subscribe(topic);
    await subscription.ready;
    const seen = new EventLog<string>();
    subscription.onMessage(({ payload }) => seen.add(payload.text));
    const reading = take(subscription, Infinity);
    await socket.publish(topic, { text: 'the only one' }).acked;
    await seen.until((all) => all.length === 1);
    subscription.close();
    await expect(reading).resolves.toEqual([{ text: 'the only one' }]);
  });
});

describe('a page event', () => {
  const backoff = { maxAttempts: 1, baseMs: 60_000 };

  /** A tab whose connection is suspended, and whose first signal to the hub is past. */
  async function openSuspended(name: string = crypto.randomUUID()) {
    const tab = open({ url: urls.refused, name, backoff });
    await expect(tab.socket.reconnect()).rejects.toMatchObject({ name: 'ConnectionError' });
    await tab.statuses.until((all) => all.at(-1)?.state === 'suspended');
    return tab;
  }

  it.each([
    ['online', () => window.dispatchEvent(new Event('online'))],
    ['visibilitychange', () => document.dispatchEvent(new Event('visibilitychange'))],
    ['resume', () => document.dispatchEvent(new Event('resume'))],
  ])('wakes a suspended connection: %s', async (_, happens) => {
    expect(document.visibilityState).toBe('visible');
    const { statuses } = await openSuspended();
    const { length } = statuses.events;
    happens();
    await statuses.until((all) => all.slice(length).some(({ state }) => state === 'connecting'));
    await statuses.until((all) => all.length > length && all.at(-1)?.state === 'suspended');
  });

  it('lets the tab leave for the back/forward cache, and come back to where it was', async () => {
    const topic = newTopic();
    const tab = open();
    const other = open({ name: tab.name });
    const subscription = tab.socket.subscribe(topic);
    await subscription.ready;
    await other.reaches('open');
    window.dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true }));
    expect([tab, other].map(({ socket }) => socket.status.state)).toEqual(['connecting', 'connecting']);
    const { length } = tab.statuses.events;
    window.dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }));
    await tab.statuses.until((all) => all.slice(length).some(({ state }) => state === 'open'));
    void other.socket.publish(topic, { text: 'welcome back' });
    await expect(take(subscription, 1)).resolves.toEqual([{ text: 'welcome back' }]);
  });

  it('is not heard any more by a tab that has closed', async () => {
    const closed = await openSuspended();
    const other = await openSuspended(closed.name);
    await closed.socket.close();
    await vi.waitFor(async () => expect(await wantsLock(closed.socket)).toBe(false));
    const { length } = closed.statuses.events;
    window.dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }));
    window.dispatchEvent(new Event('online'));
    await expect(wantsLock(closed.socket)).resolves.toBe(false);
    await expect(other.socket.reconnect()).rejects.toMatchObject({ name: 'ConnectionError' });
    expect(closed.statuses.events).toHaveLength(length);
    expect(other.socket.status.tabs).toEqual([other.socket.status.tabId]);
  });
});

describe('close', () => {
  it('stores what was published first, hangs up after the last tab, and ends everything else', async () => {
    const topic = newTopic();
    const { socket, reaches, ask } = open();
    await reaches('open');
    const subscription = socket.subscribe(topic);
    await subscription.ready;
    const reading = take(subscription, Infinity);
    const { stored, acked } = socket.publish(topic, { text: 'the last word' });
    acked.catch(() => {});
    const closing = socket.close();
    await expect(stored).resolves.toBeUndefined();
    await closing;
    await expect(reading).resolves.toEqual(expect.any(Array));
    expect(socket.status.state).toBe('closed');
    await expect(socket.request('echo', { sku: 'a' })).rejects.toMatchObject({ code: 'closed' });
    await expect(socket.subscribe(topic).ready).rejects.toMatchObject({ code: 'closed' });
    // A hub whose worker outlives its tabs keeps the connection for a tab that comes right after, and not for long.
    const isClosed = async () => expect(await ask('connections')).toEqual({ now: 0, ever: 1 });
    await vi.waitFor(isClosed, { timeout: 10_000 });
  });

  it('leaves the connection to the other tabs', async () => {
    const a = open();
    const b = open({ name: a.name });
    await b.statuses.until((all) => all.some(({ state, tabs }) => state === 'open' && tabs.length === 2));
    await a.socket.close();
    await b.statuses.until((all) => all.at(-1)?.tabs.length === 1);
    await expect(b.socket.request('echo', { sku: 'a' })).resolves.toEqual({ sku: 'a' });
    await expect(b.ask('connections')).resolves.toEqual({ now: 1, ever: 1 });
  });

  it('in the turn of connect() leaves no lock behind that would keep the tab alive at the hub', async () => {
    const { socket, name } = open();
    await socket.close();
    // Locks are granted in the order in which they are asked for: this one comes after the tab's own.
    await navigator.locks.request(`onesocket:${name}:tab:${socket.status.tabId}:1`, () => {});
    await expect(wantsLock(socket)).resolves.toBe(false);
  });

  it('releases the lock that proved that the tab lives', async () => {
    const { socket, reaches } = open();
    await reaches('open');
    await expect(wantsLock(socket)).resolves.toBe(true);
    await socket.close();
    await vi.waitFor(async () => expect(await wantsLock(socket)).toBe(false));
  });
});
