import { afterEach, describe, expect, inject, it } from 'vitest';
import { EventLog } from '../worker/testing/event-log.ts';
import { endWorker, mortalWorker } from '../worker/testing/mortal-worker.ts';
import { askServer } from '../worker/testing/test-server.ts';
import { connect } from './connect.ts';
import type { ConnectOptions, OneSocket, SocketStatus } from './types.ts';

const urls = inject('serverUrls');
const sockets: OneSocket[] = [];
afterEach(() => Promise.all(sockets.splice(0).map((socket) => socket.close())));

/** A tab of its own in this page. Those with the same name share a hub. */
function open({
  name = crypto.randomUUID(),
  url = urls.realtime,
  ...options
}: ConnectOptions & { url?: string } = {}) {
  const socket = connect(`${url}?${name}`, { name, worker: mortalWorker, ...options });
  sockets.push(socket);
  const statuses = new EventLog<{ readonly at: number } & SocketStatus>();
  socket.addEventListener('status', ({ detail }) => statuses.add({ ...detail, at: performance.now() }));
  const is = (isMeant: (status: SocketStatus) => boolean) =>
    statuses.until((all) => all.find(isMeant) ?? false);
  return { socket, name, statuses, is, ask: askServer(urls.commands, name) };
}

const codeOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'ok',
    (error: { code: string }) => error.code,
  );

describe('the death of the worker', () => {
  it('is known within a moment to a tab that only listens, which goes on without a hole', async () => {
    const topic = crypto.randomUUID();
    const listening = open();
    const publishing = open({ name: listening.name });
    const subscription = listening.socket.subscribe(topic);
    const texts = new EventLog<unknown>();
    subscription.onMessage(({ payload }) => texts.add(payload));
    const gaps = new EventLog<unknown>();
    subscription.onGap(gaps.add);
    await subscription.ready;
    await publishing.socket.publish(topic, 'before').acked;
    const { hubId } = await listening.is(({ state }) => state === 'open');

    const endedAt = performance.now();
    void endWorker(`onesocket:${listening.name}`);
    const known = await listening.statuses.until(
      (all) => all.find(({ at, state }) => at > endedAt && state === 'connecting') ?? false,
    );
    // Far under every deadline of a call: it was the lock that told.
    expect(known.at - endedAt).toBeLessThan(1_000);
    await listening.is((status) => status.state === 'open' && status.hubId !== hubId);
    await publishing.socket.publish(topic, 'after').acked;
    await texts.until((all) => all.includes('after'));
    expect([texts.events, gaps.events]).toEqual([['before', 'after'], []]);
  });

  it('ends requests at once, and no entry is lost or doubled', async () => {
    const topic = crypto.randomUUID();
    const { socket, name, is } = open();
    const subscription = socket.subscribe(topic);
    const texts = new EventLog<unknown>();
    subscription.onMessage(({ payload }) => texts.add(payload));
    await subscription.ready;
    const deliveries = Array.from({ length: 20 }, (_, n) => socket.publish(topic, n));
    await deliveries[4]!.stored;
    void endWorker(`onesocket:${name}`);
    const more = Array.from({ length: 20 }, (_, n) => socket.publish(topic, 20 + n));
    const { hubId } = socket.status;
    await is((status) => status.state === 'open' && status.hubId !== hubId);
    await Promise.all([...deliveries, ...more].map(({ acked }) => acked));
    await texts.until((all) => all.includes(39));
    expect(texts.events).toEqual(Array.from({ length: 40 }, (_, n) => n));
  });

  it('rejects a request whose outcome nobody knows, before there is another hub', async () => {
    const { socket, name, is } = open({ url: urls.refused });
    await is(({ hubId }) => hubId !== null);
    const outcome = codeOf(socket.request('echo', null));
    // What is asked later in one port is answered later: by now the hub has the request.
    await socket.outbox.entries();
    void endWorker(`onesocket:${name}`);
    await expect(outcome).resolves.toBe('hub-lost');
    expect(socket.status).toMatchObject({ state: 'connecting' });
  });
});

describe('identities', () => {
  it('have hubs, connections and outboxes of their own', async () => {
    const name = crypto.randomUUID();
    const [ann, bob, nobody] = [
      open({ name, identity: 'ann' }),
      open({ name, identity: 'bob' }),
      open({ name }),
    ];
    const all = [ann, bob, nobody];
    const hubs = await Promise.all(all.map(({ is }) => is(({ state }) => state === 'open')));
    expect(new Set(hubs.map(({ hubId }) => hubId)).size).toBe(3);
    await expect(ann.ask('connections')).resolves.toMatchObject({ now: 3 });
    const again = open({ name, identity: 'ann' });
    await expect(again.is(({ state }) => state === 'open')).resolves.toMatchObject({ hubId: hubs[0]!.hubId });
  });
});
