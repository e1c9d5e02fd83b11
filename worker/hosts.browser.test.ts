import { afterEach, describe, expect, inject, it } from 'vitest';
import { openChannel } from './broadcast-channel.ts';
import { standForHub } from './candidate.ts';
import { tabEndpoint } from './channel-endpoint.ts';
import type { Call } from './channel.ts';
import { hubApiVersion } from './core/hub-api.ts';
import { hubLifeLock, hubLock, tabChannel, workerName } from './names.ts';
import { ContractTab } from './testing/contract-tab.ts';
import { EventLog } from './testing/event-log.ts';
import { askServer } from './testing/test-server.ts';
import { timers } from './timers.ts';
import { webLocks } from './web-locks.ts';

const urls = inject('serverUrls');
const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).toReversed()) await cleanUp();
});

const script = new URL('./hub.worker.ts', import.meta.url).href;

/** A server URL and a hub name of this test alone. */
function newPlace() {
  const name = crypto.randomUUID();
  const heldLocks = async () => {
    const { held = [] } = await navigator.locks.query();
    return held.map((lock) => lock.name!).filter((lock) => lock.startsWith(`test:${name}`));
  };
  const ask = askServer(urls.commands, name);
  return { url: `${urls.realtime}?${name}`, hubName: `test:${name}`, ask, heldLocks };
}

/** A page of its own, which takes its workers along when it goes. */
function openFrame(): Window & typeof globalThis {
  const frame = document.createElement('iframe');
  document.body.append(frame);
  cleanUps.push(() => frame.remove());
  return frame.contentWindow as Window & typeof globalThis;
}

/** A tab at a SharedWorker of a page of its own. `build` makes it another worker than others of this name. */
function startShared(hubName: string, build: string) {
  const page = openFrame();
  const { port } = new page.SharedWorker(`${script}?${build}`, { type: 'module', name: workerName(hubName) });
  return Object.assign(new ContractTab(port), { die: () => page.frameElement?.remove() });
}

/** A tab that has a worker of its own, and the hub lock or not. */
function startEngine(hubName: string, url: string | URL = script) {
  const worker = new Worker(url, { type: 'module', name: workerName(hubName) });
  cleanUps.push(() => worker.terminate());
  const { port1, port2 } = new MessageChannel();
  worker.postMessage(null, [port2]);
  return Object.assign(new ContractTab(port1), { worker });
}

/** The channel in which a hub is looked for: what is said there, and a way to say something. */
function listen(hubName: string) {
  const calls = new EventLog<Call>();
  const channel = openChannel!(hubName, (call) => calls.add(call as Call));
  cleanUps.push(() => channel.close());
  return {
    calls,
    say: (call: Call) => channel.post(call),
    up: (hubId: string) =>
      calls.until((all) => all.find((call) => call.kind === 'up' && call.hubId === hubId)),
  };
}

/** A tab that has no port to the hub, and looks for it over the channel. */
function startAtChannel(hubName: string) {
  const tabId = crypto.randomUUID();
  const endpoint = tabEndpoint(openChannel!, tabChannel(hubName, tabId));
  cleanUps.push(() => endpoint.close());
  const { say } = listen(hubName);
  const connect = () => say({ kind: 'connect', tabId, attempt: 1 });
  connect();
  return Object.assign(new ContractTab(endpoint, tabId), { connect });
}

const attached = (status: object) => ({ kind: 'attached', status: expect.objectContaining(status) });

describe('a second SharedWorker of a hub', () => {
  it('stands by, while its tab uses the first one over the channel, and takes over from it', async () => {
    const { url, hubName, ask, heldLocks } = newPlace();
    const [first, second] = [startShared(hubName, 'one'), startShared(hubName, 'two')];
    expect(await first.attach(url)).toMatchObject(attached({ host: 'shared-worker' }));
    const standby = await second.attach(url);
    expect(standby).toEqual({ kind: 'standby', hubId: expect.any(String) });
    const { hubId } = standby as { hubId: string };

    const across = startAtChannel(hubName);
    expect(await across.attach(url)).toMatchObject(attached({ hubId: first.hubId }));
    await across.push({ kind: 'subscribe', sub: 1, topic: hubName, replay: 0 });
    await across.one('subscribed');
    await first.push(first.publish(hubName, 'from a port'), {
      ...first.publish(hubName, 'large'),
      json: JSON.stringify('x'.repeat(100_000)),
    } as never);
    await across.push(across.publish(hubName, 'from a channel'));
    await across.log.until(() => across.payloads.length === 3);
    await across.one('acked');
    expect(await ask('connections')).toEqual({ now: 1, ever: 1 });
    expect(await heldLocks()).toEqual([hubLock(hubName), hubLifeLock(hubName, first.hubId)]);

    const died = navigator.locks.request(hubLifeLock(hubName, first.hubId), { mode: 'shared' }, () => {});
    const { up } = listen(hubName);
    first.die();
    await Promise.all([died, up(hubId)]);
    await expect.poll(() => second.attach(url)).toMatchObject(attached({ hubId }));
    expect(await heldLocks()).toEqual([hubLock(hubName), hubLifeLock(hubName, hubId)]);
  });

  it('is told to end when its lock is stolen: it lets go of socket, locks and channel', async () => {
    const { url, hubName, ask, heldLocks } = newPlace();
    const zombie = startShared(hubName, 'one');
    await zombie.attach(url);
    await zombie.status(({ state }) => state === 'open');
    const died = navigator.locks.request(hubLifeLock(hubName, zombie.hubId), { mode: 'shared' }, () => {});
    const leave = await new Promise<() => void>((resolve) => {
      const stop = webLocks!.compete(hubLock(hubName), { taken: () => resolve(stop), lost() {} }, true);
    });
    await died;
    await expect.poll(() => ask('connections')).toEqual({ now: 0, ever: 1 });
    expect(await heldLocks()).toEqual([hubLock(hubName)]);
    leave();
    await expect.poll(heldLocks).toEqual([]);
  });
});

describe('an elected tab', () => {
  it('serves itself by port and others over the channel, and the next one takes over', async () => {
    const { url, hubName, heldLocks } = newPlace();
    const { calls, up, say } = listen(hubName);
    const candidates = ['a', 'b'].map((id) => {
      const log = new EventLog<string>();
      const world = { locks: webLocks!, openChannel, after: timers.after };
      const stop = standForHub(world, hubName, id, {
        elected: () => log.add('elected'),
        deposed: () => log.add('deposed'),
        isServed: () => true,
      });
      cleanUps.push(stop);
      return { log, stop };
    });
    const [a, b] = candidates;
    await a!.log.until((all) => all.includes('elected'));
    await calls.until((all) => all.some((call) => call.kind === 'up' && call.hubId === ''));
    const first = startEngine(hubName);
    expect(await first.attach(url)).toMatchObject(attached({ host: 'dedicated-worker' }));
    await up(first.hubId);
    const across = startAtChannel(hubName);
    expect(await across.attach(url)).toMatchObject(attached({ hubId: first.hubId }));
    calls.events.length = 0;
    say({ kind: 'ping' });
    await up(first.hubId);
    expect(calls.events.filter(({ kind }) => kind === 'up')).toHaveLength(1);

    first.worker.terminate();
    a!.stop();
    await b!.log.until((all) => all.includes('elected'));
    await expect.poll(heldLocks).toEqual([hubLock(hubName)]);
    const second = startEngine(hubName);
    expect(await second.attach(url)).toMatchObject(attached({ tabs: [second.tabId] }));
    expect(second.hubId).not.toBe(first.hubId);
  });

  it('takes the lock from a hub that does not answer', async () => {
    const { hubName } = newPlace();
    const release = await webLocks!.hold(hubLock(hubName));
    cleanUps.push(release);
    const elected = new Promise<void>((resolve) => {
      const world = { locks: webLocks!, openChannel, after: timers.after };
      cleanUps.push(
        standForHub(world, hubName, 'a', { elected: resolve, deposed() {}, isServed: () => false }),
      );
    });
    await elected;
  }, 10_000);
});

describe('a hub in a page', () => {
  const key = Symbol.for(`onesocket:${hubApiVersion}`);
  type Start = (hubName: string) => { connect(port: MessagePort): void; stop(): void };
  const importHub = async (): Promise<Start> => {
    await import(/* @vite-ignore */ script);
    return (globalThis as unknown as Record<symbol, Start>)[key]!;
  };

  it('is not started by the import of its script, which leaves a function alone', async () => {
    const before = new Set(Reflect.ownKeys(globalThis));
    const { held = [] } = await navigator.locks.query();
    const start = await importHub();
    expect(start).toBeTypeOf('function');
    expect(Reflect.ownKeys(globalThis).filter((name) => !before.has(name))).toEqual([key]);
    const lockIds = held.map(({ name }) => name);
    const { held: now = [] } = await navigator.locks.query();
    expect(now.filter(({ name }) => !lockIds.includes(name))).toEqual([]);
  });

  it('serves its own tab by port and others over the channel, and leaves nothing behind', async () => {
    const { url, hubName, ask, heldLocks } = newPlace();
    const engine = (await importHub())(hubName);
    const { port1, port2 } = new MessageChannel();
    engine.connect(port2);
    const tab = new ContractTab(port1);
    expect(await tab.attach(url)).toMatchObject(attached({ host: 'page', durability: 'strict' }));
    const across = startAtChannel(hubName);
    expect(await across.attach(url)).toMatchObject(attached({ hubId: tab.hubId }));
    await across.push({ kind: 'subscribe', sub: 1, topic: hubName, replay: 0 });
    await across.one('subscribed');
    await tab.push(tab.publish(hubName, 1));
    await across.log.until(() => across.payloads.length === 1);
    expect(await heldLocks()).toEqual([hubLifeLock(hubName, tab.hubId)]);
    engine.stop();
    engine.stop();
    await expect.poll(heldLocks).toEqual([]);
    await expect.poll(() => ask('connections')).toEqual({ now: 0, ever: 1 });
    const { calls, say } = listen(hubName);
    say({ kind: 'ping' });
    await roundTrip();
    expect(calls.events).toEqual([]);
    // The database is closed: nothing holds up its deletion.
    await new Promise<void>((resolve, reject) => {
      const deletion = indexedDB.deleteDatabase(hubName);
      deletion.onsuccess = () => resolve();
      deletion.onblocked = () => reject(new Error('still open'));
    });
  });
});

/** Settles once what was on its way over channels has come. */
async function roundTrip(): Promise<void> {
  const { calls } = listen('test:round-trip');
  const { say } = listen('test:round-trip');
  for (let count = 1; count <= 5; count++) {
    say({ kind: 'ping' });
    await calls.until((all) => all.length === count);
  }
}

/** The URL of a module worker that runs this before the hub's script is loaded, and this after it. */
function wrapped(before: string, after = ''): string {
  const text = `${before}; await import(${JSON.stringify(script)}); ${after}; postMessage('ready');`;
  const url = URL.createObjectURL(new Blob([text], { type: 'text/javascript' }));
  cleanUps.push(() => URL.revokeObjectURL(url));
  return url;
}

/** As {@link startEngine}, of a worker that says when it listens. */
async function startWrapped(hubName: string, url: string, isAlone = false) {
  const worker = new Worker(url, { type: 'module', name: workerName(hubName, 0, isAlone) });
  cleanUps.push(() => worker.terminate());
  const errors: string[] = [];
  worker.onerror = (event) => {
    event.preventDefault();
    errors.push(event.message);
  };
  await new Promise((resolve) => worker.addEventListener('message', resolve, { once: true }));
  const { port1, port2 } = new MessageChannel();
  worker.postMessage(null, [port2]);
  return Object.assign(new ContractTab(port1), { errors });
}

describe('where a browser has no BroadcastChannel or no Web Locks', () => {
  it.each([
    ['BroadcastChannel', 'delete globalThis.BroadcastChannel'],
    ['Web Locks', "Object.defineProperty(navigator, 'locks', { value: undefined })"],
    [
      'a secure context',
      "Object.defineProperty(navigator, 'locks', { value: undefined }); crypto.randomUUID = undefined",
    ],
  ])('each tab has a hub to itself, with its outbox in memory: without %s', async (_, before) => {
    const { url, hubName, ask, heldLocks } = newPlace();
    const start = () => startWrapped(hubName, wrapped(before), true);
    const tabs = [await start(), await start()];
    for (const tab of tabs) {
      expect(await tab.attach(url)).toMatchObject({
        lifeLock: null,
        ...attached({
          host: 'unshared',
          durability: 'memory',
          storeError: expect.objectContaining({ code: 'storage-failed' }),
          tabs: [tab.tabId],
        }),
      });
      await tab.push(tab.publish(hubName, 1));
      await tab.one('acked');
    }
    expect(await ask('connections')).toEqual({ now: 2, ever: 2 });
    expect(await heldLocks()).toEqual([]);
    expect((await indexedDB.databases()).map(({ name }) => name)).not.toContain(hubName);
  });
});

describe('an error in the code of a worker', () => {
  it.each([
    ['an exception', "throw new Error('a mistake')"],
    ['a rejection', "void Promise.reject(new Error('a mistake'))"],
  ])('is shown to all tabs: %s', async (_, mistake) => {
    const { url, hubName } = newPlace();
    const after = `new BroadcastChannel(${JSON.stringify(`mistake in ${hubName}`)}).onmessage = () => { ${mistake} }`;
    const own = await startWrapped(hubName, wrapped('', after));
    await own.attach(url);
    const across = startAtChannel(hubName);
    await across.attach(url);
    const trigger = new BroadcastChannel(`mistake in ${hubName}`);
    cleanUps.push(() => trigger.close());
    trigger.postMessage(0);
    for (const tab of [own, across]) {
      expect(await tab.troubles.until(([first]) => first)).toBe('a mistake');
    }
  });
});
