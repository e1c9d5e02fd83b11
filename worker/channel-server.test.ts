import { wrap, expose } from 'comlink';
import { describe, expect, it } from 'vitest';
import { tabEndpoint } from './channel-endpoint.ts';
import type { Call } from './channel.ts';
import { hubApiVersion, type AttachReply, type HubApi, type TabApi, type TabItem } from './core/hub-api.ts';
import * as coreLimits from './core/limits.ts';
import { hubLock, tabChannel } from './names.ts';
import { FakeTab, hubName, MemoryStore, publish, url, World } from './testing/host-world.ts';
import { channelConformance } from './testing/channel-conformance.ts';
import { memoryChannels } from './testing/memory-channels.ts';
import { recorder } from './testing/recorder.ts';

/** Everybody who looks for a hub in these channels: tabs that have no port to it. */
class Seekers {
  readonly openChannel = memoryChannels();
  readonly log = recorder();
  readonly #shared = this.openChannel(hubName, (call) => {
    const { kind, hubId } = call as { kind: string; hubId?: string };
    this.log.note(kind === 'up' ? `up ${hubId}` : kind);
  });

  say(call: Call): void {
    this.#shared.post(call);
  }

  /** One that looks for the hub over a channel of its own. */
  tab(tabId: string, attempt = 1) {
    const endpoint = tabEndpoint(this.openChannel, tabChannel(hubName, tabId));
    const items: TabItem[] = [];
    const api: TabApi = {
      deliver: (_hubId, _number, batch) => {
        items.push(...batch);
        for (const { kind } of batch) this.log.note(`${tabId} ${kind}`);
        return [];
      },
      token: () => ({ token: 't' }),
      trouble: (message) => this.log.note(`${tabId} ${message}`),
    };
    const hub = wrap<HubApi>(endpoint);
    expose(api, endpoint);
    const attach = (): Promise<AttachReply> =>
      hub.attach({
        version: hubApiVersion,
        tabId,
        lockName: null,
        options: { url },
        hasAuth: false,
        lingers: false,
      });
    const connect = (number = attempt) => this.say({ kind: 'connect', tabId, attempt: number });
    connect();
    return { hub, items, attach, connect, close: () => endpoint.close() };
  }

  /** The channels that are open, by name, with the number of their ends. */
  get channels() {
    return Object.fromEntries([...this.openChannel.open].map(([name, ends]) => [name, ends.size]));
  }

  /** Settles once all that was said before has been heard. */
  async roundTrip(): Promise<void> {
    const name = `round trip ${Math.random()}`;
    const [from] = [this.openChannel(name, () => {})];
    for (let count = 0; count < 5; count++) {
      const heard = new Promise<unknown>((resolve) => this.openChannel(name, resolve));
      from.post(1);
      await heard;
    }
    this.openChannel(name, () => {});
  }
}

/** A hub with a tab at its port, and the channels where others look for it. */
async function start() {
  const seekers = new Seekers();
  const world = new World({ openChannel: seekers.openChannel });
  const first = new FakeTab(world, 'first');
  await first.attached();
  return { seekers, world, first, hubId: world.host.hubId };
}

describe('a channel in memory', () => {
  const openChannel = memoryChannels();
  let names = 0;
  const echoElsewhere = async (name: string) => {
    const channel = openChannel(name, (text) => channel.post(`echo of ${text as string}`));
  };
  it.each(channelConformance)('$name', ({ run }) =>
    run({ openChannel, newName: () => `name ${(names += 1)}`, echoElsewhere }),
  );
});

describe('the hub at the channel where it is looked for', () => {
  it('says that it is up when it has the lock, when it can serve, and when it is asked', async () => {
    const seekers = new Seekers();
    const world = new World({ openChannel: seekers.openChannel });
    let opened!: () => void;
    world.store.opens = new Promise((resolve) => (opened = resolve));
    const attaching = new FakeTab(world, 'first').attached();
    const up = `up ${world.host.hubId}`;
    await seekers.log.until(up);
    const count = () => seekers.log.seen.filter((each) => each === up).length;
    expect([count(), world.locks.held[0]]).toEqual([1, hubLock(hubName)]);
    opened();
    await attaching;
    await seekers.roundTrip();
    expect(count()).toBe(2);
    seekers.say({ kind: 'ping' });
    await seekers.roundTrip();
    expect(count()).toBe(3);
  });

  it('leaves messages of another shape alone', async () => {
    const { seekers, hubId } = await start();
    for (const other of [null, 1, 'x', {}, { kind: 'later' }]) seekers.say(other as unknown as Call);
    seekers.say({ kind: 'ping' });
    await seekers.roundTrip();
    expect(seekers.log.seen.at(-1)).toBe(`up ${hubId}`);
  });

  it('does not listen there before it has the lock', async () => {
    const { seekers, world } = await start();
    const second = new World({
      locks: world.locks,
      openChannel: seekers.openChannel,
      store: new MemoryStore(),
    });
    void new FakeTab(second, 'other').attach();
    await seekers.roundTrip();
    seekers.say({ kind: 'ping' });
    await seekers.roundTrip();
    expect(seekers.log.seen).not.toContain(`up ${second.host.hubId}`);
  });
});

describe('a tab at a channel', () => {
  it('is served as over a port, together with those who have one', async () => {
    const { seekers, hubId, first } = await start();
    const tab = seekers.tab('b');
    const reply = await tab.attach();
    expect(reply).toMatchObject({ kind: 'attached', status: { hubId, tabs: ['first', 'b'] } });
    expect(await tab.hub.push(hubId, 'b', [publish(1)])).toBe('taken');
    await seekers.log.until('b stored');
    expect(first.items.findLast(({ kind }) => kind === 'status')).toMatchObject({
      status: { tabs: ['first', 'b'] },
    });
  });

  it('may begin before there is a hub, and asks again when one is up', async () => {
    const seekers = new Seekers();
    const tab = seekers.tab('b');
    const attaching = tab.attach();
    const world = new World({ openChannel: seekers.openChannel });
    await new FakeTab(world, 'first').attached();
    await seekers.log.until(`up ${world.host.hubId}`);
    tab.connect();
    expect(await attaching).toMatchObject({ kind: 'attached' });
  });

  it('is told again that the hub has joined where it asks twice, and loses nothing', async () => {
    const { seekers } = await start();
    const tab = seekers.tab('b');
    expect(await tab.attach()).toMatchObject({ kind: 'attached' });
    tab.connect();
    expect(await tab.attach()).toMatchObject({ status: { tabs: ['first', 'b'] } });
    expect(seekers.channels[tabChannel(hubName, 'b')]).toBe(2);
  });

  it('takes its own place with a newer attempt, and none with an older one', async () => {
    const { seekers, hubId } = await start();
    const before = seekers.tab('b', 1);
    await before.attach();
    before.close();
    const after = seekers.tab('b', 2);
    await seekers.roundTrip();
    expect(seekers.channels[tabChannel(hubName, 'b')]).toBe(2);
    expect(await after.attach()).toMatchObject({ status: { tabs: ['first', 'b'] } });
    after.connect(1);
    await seekers.roundTrip();
    expect(await after.hub.push(hubId, 'b', [])).toBe('taken');
    expect(seekers.channels[tabChannel(hubName, 'b')]).toBe(2);
  });

  it('that goes leaves no channel open, nor does a hub that ends', async () => {
    const { seekers, world, hubId } = await start();
    const [b, c] = [seekers.tab('b'), seekers.tab('c')];
    await Promise.all([b.attach(), c.attach()]);
    void b.hub.detach(hubId, 'b');
    b.close();
    await seekers.roundTrip();
    expect(Object.keys(seekers.channels)).not.toContain(tabChannel(hubName, 'b'));
    c.close();
    expect(seekers.channels).toMatchObject({ [tabChannel(hubName, 'c')]: 1 });
    world.host.end();
    expect(Object.keys(seekers.channels).filter((name) => name.startsWith(hubName))).toEqual([hubName]);
    expect(seekers.channels[hubName]).toBe(1);
  });

  it('does not hear, and is not heard by, a hub that it has not joined', async () => {
    const { seekers, world } = await start();
    const tab = seekers.tab('b');
    const { status } = (await tab.attach()) as Extract<AttachReply, { kind: 'attached' }>;
    const zombie = new World({ openChannel: seekers.openChannel });
    await new FakeTab(zombie, 'other').attached();
    tab.connect();
    await seekers.roundTrip();
    expect(await tab.hub.push(status.hubId, 'b', [])).toBe('taken');
    expect(status.hubId).toBe(world.host.hubId);
    zombie.host.trouble('of the zombie');
    world.host.trouble('of the hub');
    await seekers.log.until('b of the hub');
    expect(seekers.log.seen).not.toContain('b of the zombie');
  });

  it('that never attached makes room for others, the oldest first', async () => {
    const { seekers } = await start();
    const served = seekers.tab('served');
    await served.attach();
    for (let index = 0; index < coreLimits.tabs; index++)
      seekers.say({ kind: 'connect', tabId: `${index}`, attempt: 1 });
    await seekers.roundTrip();
    const isOpen = (tabId: string) => tabChannel(hubName, tabId) in seekers.channels;
    expect(['served', '0', `${coreLimits.tabs - 1}`].map(isOpen)).toEqual([true, true, true]);
    seekers.say({ kind: 'connect', tabId: 'late', attempt: 1 });
    await seekers.roundTrip();
    expect(['served', '0', '1', 'late'].map(isOpen)).toEqual([true, false, true, true]);
  });
});
