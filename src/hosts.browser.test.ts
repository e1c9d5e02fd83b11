import { afterEach, describe, expect, inject, it } from 'vitest';
import { hubApiVersion } from '../worker/core/hub-api.ts';
import { askServer } from '../worker/testing/test-server.ts';
import { connect } from './connect.ts';
import { closeFrames, follow, openFrame, type FrameSetting } from './testing/frames.ts';
import type { ConnectOptions, OneSocket } from './types.ts';

const urls = inject('serverUrls');
const sockets: OneSocket[] = [];
afterEach(async () => {
  await Promise.all(sockets.splice(0).map((socket) => socket.close()));
  closeFrames();
});

/** What a page imports: the test server's form of it for workers would take the place of the test's own globals. */
const inPage = { worker: new URL('/worker/hub.worker.ts', location.origin) };

const newName = () => crypto.randomUUID();

/** A tab in the test's own page. Those with the same name share a hub. */
function open(name: string, options: ConnectOptions = {}) {
  const socket = connect(`${urls.realtime}?${name}`, { name, ...options });
  sockets.push(socket);
  return { socket, ...follow(socket), ask: askServer(urls.commands, name) };
}

/** A tab in a page of its own. */
async function openIn(name: string, setting: FrameSetting = {}, options: ConnectOptions = {}) {
  const frame = await openFrame(setting);
  return { frame, ...frame.connect(`${urls.realtime}?${name}`, { name, ...options }) };
}

const held = async (name: string): Promise<string[]> => {
  const { held = [] } = await navigator.locks.query();
  return held.map((lock) => lock.name!).filter((lock) => lock.startsWith(`onesocket:${name}:`));
};

/** Messages that this tab gets, and one that it publishes. */
async function roundTrip(socket: OneSocket, topic: string): Promise<unknown> {
  const subscription = socket.subscribe(topic);
  await subscription.ready;
  await socket.publish(topic, 'round trip').acked;
  for await (const { payload } of subscription) return payload;
  return undefined;
}

describe('where a SharedWorker', () => {
  const silent = new URL('testing/silent.worker.ts?worker_file&type=module', `${location.origin}/src/`);

  it.each<[string, FrameSetting, ConnectOptions]>([
    ['is missing', { before: 'delete window.SharedWorker' }, {}],
    [
      'throws',
      { before: 'SharedWorker = class { constructor() { throw new DOMException("no", "SecurityError"); } }' },
      {},
    ],
    ['never answers', {}, { worker: silent }],
  ])('%s, the hub runs in a worker of the tab', { timeout: 20_000 }, async (_, setting, options) => {
    const name = newName();
    const { socket, reaches } = await openIn(name, setting, options);
    await expect(reaches({ state: 'open' })).resolves.toMatchObject({ host: 'dedicated-worker' });
    await expect(roundTrip(socket, name)).resolves.toBe('round trip');
    expect(socket.status.durability).toBe('strict');
  });

  it('has other options than the one that runs, the hub runs in a worker of the tab', async () => {
    const name = newName();
    // The same URL and name, and another type: the browser answers the second one with an error event.
    const script = new URL('./worker.js', import.meta.url);
    const other = new SharedWorker(script, { name: `onesocket:${name}@${hubApiVersion}`, type: 'classic' });
    other.onerror = (event) => event.preventDefault();
    const { reaches } = open(name);
    await expect(reaches({ state: 'open' })).resolves.toMatchObject({ host: 'dedicated-worker' });
  });

  it('and a Worker are forbidden, the hub runs in the page', async () => {
    const name = newName();
    const { socket, reaches, frame } = await openIn(name, { policy: "worker-src 'none'" }, inPage);
    await expect(reaches({ state: 'open' })).resolves.toMatchObject({ host: 'page' });
    await expect(roundTrip(socket, name)).resolves.toBe('round trip');
    frame.close();
    await expect.poll(() => held(name)).toEqual([]);
  });
});

describe('Trusted Types', () => {
  it.each([
    ['let the policy onesocket pass', 'trusted-types onesocket', 'shared-worker'],
    ['let no policy pass, which leaves the page', "trusted-types 'none'", 'page'],
  ])('%s', async (_, policy, host) => {
    const { reaches } = await openIn(
      newName(),
      { policy: `require-trusted-types-for 'script'; ${policy}` },
      host === 'page' ? inPage : {},
    );
    await expect(reaches({ state: 'open' })).resolves.toMatchObject({ host });
  });
});

describe.each(['dedicated-worker', 'page'] as const)('tabs with a hub in the %s', (kind) => {
  const host = { host: kind, ...(kind === 'page' && inPage) };

  it('share one connection', async () => {
    const name = newName();
    const a = open(name, host);
    const b = open(name, host);
    await Promise.all([a.reaches({ state: 'open' }), b.reaches({ state: 'open' })]);
    await a.statuses.until((all) => all.at(-1)?.tabs.length === 2);
    expect(b.socket.status).toMatchObject({ host: kind, hubId: a.socket.status.hubId });
    await expect(a.ask('connections')).resolves.toEqual({ now: 1, ever: 1 });
    await expect(roundTrip(b.socket, name)).resolves.toBe('round trip');
  });

  it('elect another when the page of the hub is closed, and lose nothing', async () => {
    const name = newName();
    const leader = await openIn(name, {}, host);
    await leader.reaches({ state: 'open' });
    const { socket, reaches } = open(name, host);
    const { hubId } = await reaches({ state: 'open' });
    expect(hubId).toBe(leader.socket.status.hubId);
    const subscription = socket.subscribe(name);
    const payloads: unknown[] = [];
    subscription.onMessage(({ payload }) => payloads.push(payload));
    await subscription.ready;
    const deliveries = Array.from({ length: 20 }, (_, n) => socket.publish(name, n));
    await deliveries[9]!.stored;
    const closedAt = performance.now();
    leader.frame.close();
    deliveries.push(...Array.from({ length: 20 }, (_, n) => socket.publish(name, 20 + n)));
    await Promise.all(deliveries.map(({ acked }) => acked));
    expect(performance.now() - closedAt).toBeLessThan(5_000);
    expect(socket.status).toMatchObject({ state: 'open', host: kind, tabs: [socket.status.tabId] });
    expect(socket.status.hubId).not.toBe(hubId);
    await expect.poll(() => payloads.length).toBe(40);
    expect(payloads).toEqual(Array.from({ length: 40 }, (_, n) => n));
  });

  it('get another hub when the page of the first is frozen, which comes back as a follower', async () => {
    const name = newName();
    const leader = await openIn(name, {}, host);
    await leader.reaches({ state: 'open' });
    const follower = open(name, host);
    const { hubId } = await follower.reaches({ state: 'open' });
    leader.frame.page.document.dispatchEvent(new Event('freeze'));
    expect(leader.socket.status.state).toBe('connecting');
    const next = await follower.statuses.until((all) =>
      all.find((status) => status.state === 'open' && status.hubId !== hubId),
    );
    leader.frame.page.document.dispatchEvent(new Event('resume'));
    await expect(leader.reaches({ state: 'open' })).resolves.toMatchObject({ hubId: next.hubId });
    await expect(follower.ask('connections')).resolves.toMatchObject({ now: 1 });
  });

  it('leave nothing behind when their pages go into the cache, and come back', async () => {
    const name = newName();
    const { socket, frame, reaches } = await openIn(name, {}, host);
    const { hubId } = await reaches({ state: 'open' });
    const hide = (type: string) =>
      frame.page.dispatchEvent(new PageTransitionEvent(type, { persisted: true }));
    hide('pagehide');
    await expect.poll(() => held(name)).toEqual([]);
    expect(socket.status.state).toBe('connecting');
    hide('pageshow');
    const { hubId: next } = await reaches({ state: 'open' });
    expect(next).not.toBe(hubId);
    await expect(roundTrip(socket, name)).resolves.toBe('round trip');
  });
});

describe('tabs with different hosts', () => {
  it('share the hub of whoever came first', async () => {
    const name = newName();
    const a = open(name);
    const { hubId } = await a.reaches({ state: 'open' });
    const b = open(name, { host: 'dedicated-worker' });
    await expect(b.reaches({ state: 'open' })).resolves.toMatchObject({ hubId, host: 'shared-worker' });
    await expect(a.ask('connections')).resolves.toEqual({ now: 1, ever: 1 });
  });

  it('follow the hub of a page over the channel until the SharedWorker takes over', async () => {
    const name = newName();
    const first = await openIn(name, {}, { host: 'dedicated-worker' });
    const { hubId } = await first.reaches({ state: 'open' });
    const { socket, reaches } = open(name);
    await expect(reaches({ state: 'open' })).resolves.toMatchObject({ hubId, host: 'dedicated-worker' });
    first.frame.close();
    await expect(reaches({ host: 'shared-worker', state: 'open' })).resolves.toMatchObject({
      tabs: [socket.status.tabId],
    });
    await expect(roundTrip(socket, name)).resolves.toBe('round trip');
  });
});
