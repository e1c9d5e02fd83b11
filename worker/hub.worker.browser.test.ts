import { afterEach, describe, expect, inject, it, vi } from 'vitest';
import { hubApiVersion, type TabOp } from './core/hub-api.ts';
import { hubLifeLock, workerName } from './names.ts';
import { ContractTab } from './testing/contract-tab.ts';
import { askServer } from './testing/test-server.ts';

const urls = inject('serverUrls');
const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) await cleanUp();
});

/** A server URL of this test alone, and a topic. */
function newPlace() {
  const name = crypto.randomUUID();
  return { url: `${urls.realtime}?${name}`, topic: `topic:${name}`, ask: askServer(urls.commands, name) };
}

/** A tab with a hub of this name in a worker of its own. */
function startDedicated(name: string = crypto.randomUUID(), tabId?: string) {
  const worker = new Worker(new URL('./hub.worker.ts', import.meta.url), {
    type: 'module',
    name: workerName(name),
  });
  const { port1, port2 } = new MessageChannel();
  worker.postMessage(null, [port2]);
  const tab = new ContractTab(port1, tabId);
  cleanUps.push(
    () => tab.detach(),
    () => worker.terminate(),
  );
  return Object.assign(tab, { terminate: () => worker.terminate() });
}

/** A tab at the hub of this name, over a port of its own. */
function startShared(name: string, tabId?: string) {
  const { port } = new SharedWorker(new URL('./hub.worker.ts', import.meta.url), {
    type: 'module',
    name: workerName(name),
  });
  const tab = new ContractTab(port, tabId);
  cleanUps.push(
    () => tab.detach(),
    () => port.close(),
  );
  return tab;
}

const attached = (more: object = {}) => ({ kind: 'attached', ...more });

describe('the hub in a dedicated worker', () => {
  it('attaches its page, and opens one connection', async () => {
    const { url, ask } = newPlace();
    const tab = startDedicated();
    await expect(tab.attach(url)).resolves.toEqual({
      kind: 'attached',
      takenUpTo: 0,
      storedUpTo: 0,
      ackedUpTo: 0,
      failed: [],
      status: expect.objectContaining({ host: 'dedicated-worker', tabs: [tab.tabId], durability: 'strict' }),
      lifeLock: expect.stringContaining(':hub:'),
    });
    await tab.status(({ state }) => state === 'open');
    await expect(ask('connections')).resolves.toEqual({ now: 1, ever: 1 });
  });

  it('takes a publish through stored, acked and back as a message', async () => {
    const { url, topic } = newPlace();
    const tab = startDedicated();
    await tab.attach(url);
    await expect(tab.push({ kind: 'subscribe', sub: 1, topic, replay: 0 })).resolves.toBe('taken');
    const { sub, position } = await tab.one('subscribed');
    expect({ sub, offset: position.offset }).toEqual({ sub: 1, offset: 0 });
    await tab.push(tab.publish(topic, { n: 1 }), tab.publish(topic, 'zwei: ä€😀'));
    await tab.log.until(() => tab.payloads.length === 2);
    expect(tab.payloads).toEqual([{ n: 1 }, 'zwei: ä€😀']);
    expect(tab.all('messages')[0]).toMatchObject({ sub: 1, epoch: position.epoch, offset: 1 });
    await tab.log.until(() => tab.all('acked').some(({ upTo }) => upTo === 2));
    const kinds = tab.log.events.map(({ kind }) => kind);
    expect(kinds.indexOf('stored')).toBeLessThan(kinds.indexOf('acked'));
    expect(tab.all('failed')).toEqual([]);
    expect(tab.batchNumbers).toEqual(tab.batchNumbers.map((_, index) => index + 1));
  });

  it('carries bytes, and the answers and errors of requests', async () => {
    const { url, topic } = newPlace();
    const tab = startDedicated();
    await tab.attach(url);
    const { json: _, ...publish } = tab.publish(topic, null) as TabOp & { kind: 'publish' };
    const request = { kind: 'request', ts: Date.now(), timeoutMs: 5_000, json: '{"a":1}' } as const;
    await tab.push(
      { kind: 'subscribe', sub: 7, topic, replay: 0 },
      { ...request, id: 'r1', method: 'echo' },
      { ...request, id: 'r2', method: 'fail' },
    );
    await tab.one('subscribed');
    await tab.push({ ...publish, bytes: new Uint8Array([1, 0, 255]).buffer });
    expect(await tab.one('bytes')).toMatchObject({ sub: 7, offset: 1, id: publish.id });
    expect(new Uint8Array((await tab.one('bytes')).bytes)).toEqual(new Uint8Array([1, 0, 255]));
    expect(await tab.one('response')).toMatchObject({ id: 'r1', json: '{"a":1}' });
    expect(await tab.one('error')).toMatchObject({ id: 'r2', error: { message: 'only 3 are left' } });
  });

  it('refuses a tab of another version, or for another server', async () => {
    const { url } = newPlace();
    const tab = startDedicated();
    await expect(tab.attach(url, { version: hubApiVersion + 1 })).resolves.toEqual({
      kind: 'other-version',
      version: hubApiVersion,
    });
    await expect(tab.attach(url)).resolves.toMatchObject(attached());
    await expect(tab.attach(`${url}-other`)).resolves.toMatchObject({
      kind: 'refused',
      error: { code: 'invalid-option' },
    });
  });

  it('hangs up when its page says goodbye', async () => {
    const { url, ask } = newPlace();
    const tab = startDedicated();
    await tab.attach(url);
    await tab.status(({ state }) => state === 'open');
    tab.detach();
    await expect.poll(() => ask('connections')).toEqual({ now: 0, ever: 1 });
  });
});

describe('the hub in a shared worker', () => {
  it('serves two tabs over one connection', async () => {
    const { url, topic, ask } = newPlace();
    const [a, b] = [startShared(topic), startShared(topic)];
    await expect(a.attach(url)).resolves.toMatchObject(attached({ status: { host: 'shared-worker' } }));
    await expect(b.attach(url)).resolves.toMatchObject(
      attached({ status: { hubId: a.hubId, tabs: [a.tabId, b.tabId] } }),
    );
    for (const tab of [a, b]) await tab.push({ kind: 'subscribe', sub: 1, topic, replay: 0 });
    await Promise.all([a.one('subscribed'), b.one('subscribed')]);
    await a.push(a.publish(topic, 'of a'));
    await a.one('acked');
    await b.push(b.publish(topic, 'of b'));
    await Promise.all([a, b].map((tab) => tab.log.until(() => tab.payloads.length === 2)));
    expect(a.payloads).toEqual(['of a', 'of b']);
    expect(b.payloads).toEqual(a.payloads);
    await b.one('acked');
    expect([a, b].map((tab) => tab.all('acked'))).toEqual([
      [{ kind: 'acked', upTo: 1 }],
      [{ kind: 'acked', upTo: 1 }],
    ]);
    await expect(ask('connections')).resolves.toEqual({ now: 1, ever: 1 });
  });

  it('keeps its connection for a tab that comes back, where workers outlive their tabs', async () => {
    const { url, topic, ask } = newPlace();
    const first = startShared(topic);
    await first.attach(url, { lingers: true });
    await first.status(({ state }) => state === 'open');
    first.detach();
    const second = startShared(topic);
    await expect(second.attach(url, { lingers: true })).resolves.toMatchObject(
      attached({ status: { state: 'open', tabs: [second.tabId] } }),
    );
    await expect(ask('connections')).resolves.toEqual({ now: 1, ever: 1 });
  });

  it('lets a second attach of a tab take the place of the first', async () => {
    const { url, topic, ask } = newPlace();
    const first = startShared(topic);
    await first.attach(url);
    await first.push({ kind: 'subscribe', sub: 1, topic, replay: 0 });
    await first.one('subscribed');
    await first.push(first.publish(topic, 1));
    await first.one('acked');
    await first.log.until(() => first.payloads.length === 1);

    const second = startShared(topic, first.tabId);
    await expect(second.attach(url)).resolves.toMatchObject(
      attached({ takenUpTo: 1, storedUpTo: 1, ackedUpTo: 1, status: { tabs: [first.tabId] } }),
    );
    const { length } = first.log.events;
    // Nobody is at the other end of the first port any more.
    const answered = vi.fn<() => void>();
    void first.push(first.publish(topic, 'over the first port')).then(answered);
    await second.push({ kind: 'subscribe', sub: 1, topic, replay: 5 });
    const publish = { ...second.publish(topic, 2), tabSeq: 2, id: 'second' } as TabOp;
    await second.push(publish);
    await second.log.until(() => second.payloads.length === 2);
    expect(second.payloads).toEqual([1, 2]);
    expect(answered).not.toHaveBeenCalled();
    expect(first.log.events).toHaveLength(length);
    await expect(ask('connections')).resolves.toEqual({ now: 1, ever: 1 });
  });

  it('does not hear a tab that the port of another one speaks for', async () => {
    const { url, topic } = newPlace();
    const [a, b] = [startShared(topic), startShared(topic)];
    await a.attach(url);
    await b.attach(url);
    const impostor = Object.assign(startShared(topic, a.tabId), { hubId: a.hubId });
    await expect(impostor.push(impostor.publish(topic, 'not of a'))).resolves.toBe('unknown-tab');
    await expect(a.push(a.publish(topic, 'of a'))).resolves.toBe('taken');
  });

  it('drops a tab whose lock becomes free, and goes on for the others', async () => {
    const { url, topic, ask } = newPlace();
    const [a, b] = [startShared(topic), startShared(topic)];
    const lockName = `onesocket:test:tab:${a.tabId}`;
    let die = () => {};
    await new Promise<void>((held) => {
      void navigator.locks.request(lockName, () => {
        held();
        return new Promise<void>((resolve) => (die = resolve));
      });
    });
    await a.attach(url, { lockName });
    await b.attach(url);
    await b.status(({ state, tabs }) => state === 'open' && tabs.length === 2);
    die();
    await b.log.until((items) =>
      items.some((item) => item.kind === 'status' && item.status.tabs.length === 1),
    );
    expect(b.all('status').at(-1)?.status).toMatchObject({ state: 'open', tabs: [b.tabId] });
    await expect(ask('connections')).resolves.toEqual({ now: 1, ever: 1 });
  });
});

describe('a worker that is the hub', () => {
  const heldLocks = async () => (await navigator.locks.query()).held?.map(({ name }) => name) ?? [];

  it('holds a lock of its life, which is free once it is dead, and leaves the hub lock to its page', async () => {
    const { url, topic } = newPlace();
    const tab = startDedicated(topic);
    const reply = await tab.attach(url);
    const lifeLock = hubLifeLock(topic, tab.hubId);
    expect(reply).toMatchObject({ lifeLock });
    expect((await heldLocks()).filter((name) => name?.startsWith(topic))).toEqual([lifeLock]);
    const died = navigator.locks.request(lifeLock, { mode: 'shared' }, () => true);
    tab.terminate();
    await expect(died).resolves.toBe(true);
  });

  it('leaves to the next one what it has stored', async () => {
    const { url, topic, ask } = newPlace();
    const first = startDedicated(topic);
    // Nobody listens there.
    await first.attach('ws://127.0.0.1:1/');
    await first.push(first.publish(topic, 'kept'), first.publish(topic, 'taken back'));
    await first.log.until(() => first.all('stored').some(({ upTo }) => upTo === 2));
    await first.push({ kind: 'withdraw', id: 'w', entryId: `${first.tabId.slice(0, 8)}-2` });
    expect(await first.one('response')).toMatchObject({ json: 'true' });
    first.terminate();
    const second = startDedicated(topic, first.tabId);
    const reply = () => second.attach(url);
    await expect
      .poll(reply)
      .toMatchObject(
        attached({ takenUpTo: 2, storedUpTo: 2, failed: [{ tabSeq: 2, error: { code: 'cancelled' } }] }),
      );
    await second.push({ kind: 'subscribe', sub: 1, topic, replay: 5 });
    await second.log.until(() => second.payloads.length === 1);
    expect(second.payloads).toEqual(['kept']);
    await expect(ask('connections')).resolves.toEqual({ now: 1, ever: 1 });
  });
});
