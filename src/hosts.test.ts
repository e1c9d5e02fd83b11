import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { AttachReply } from '../worker/core/hub-api.ts';
import { createClient } from './client.ts';
import { failure } from './failure.ts';
import * as tabLimits from './limits.ts';
import { errorData } from './protocol/errors.ts';
import { hostOrder, type HostOption, type TabWorld } from './tab-world.ts';
import { hubOnChannel } from './testing/scripted-channel.ts';
import { attachedReply, scriptedWorld } from './testing/scripted-world.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const hubName = 'onesocket:n';
const hubLock = `${hubName}:hub`;
/** From the first attempt at a silent SharedWorker to the next host. */
const silenceMs = 300 + 600 + 1_200 + 2_400 + 4_800 + 3 * tabLimits.channelTimeoutMs;

/** Everything that is due now, and nothing that waits for a time. */
const turn = () => vi.advanceTimersByTimeAsync(0);
const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

interface Setting {
  readonly hosts?: readonly HostOption[];
  readonly blocked?: readonly HostOption[];
  readonly lacks?: Partial<TabWorld>;
}

async function openTab({ hosts = hostOrder, blocked = [], lacks = {} }: Setting = {}) {
  const scripted = scriptedWorld();
  for (const host of blocked) scripted.blocked.add(host);
  const settings = {
    hubName,
    auth: undefined,
    worker: 'https://app.test/worker.js',
    hosts,
    hub: { url: 'wss://a.test/' },
  };
  const socket = createClient(settings, { ...scripted.world, ...lacks });
  await turn();
  const last = () => scripted.hosts.at(-1)!;
  const answer = async (reply: AttachReply) => {
    last().answer(reply);
    await turn();
  };
  const kinds = () => scripted.hosts.map(({ kind }) => kind);
  const hubAt = (hubId: string) => hubOnChannel(scripted.world.openChannel!, hubName, hubId);
  const grant = async () => {
    scripted.grant(hubLock);
    await turn();
  };
  return { ...scripted, socket, last, answer, kinds, hubAt, grant, tabLock: tabLockOf(socket.status.tabId) };
}

const tabLockOf = (tabId: string) => `${hubName}:tab:${tabId}:1`;
const standby: AttachReply = { kind: 'standby', hubId: 'own' };
const withoutSharedWorker = { blocked: ['shared-worker'] } as const;

/** A tab that runs the hub itself. */
async function openElected(setting: Setting = withoutSharedWorker) {
  const tab = await openTab(setting);
  await tab.grant();
  await tab.answer(attachedReply('a', { status: { host: 'dedicated-worker' } }));
  return tab;
}

/** A tab that is attached over the channel to hub `a`, and in line for the lock. */
async function openFollower() {
  const tab = await openTab(withoutSharedWorker);
  const hub = tab.hubAt('a');
  hub.say({ kind: 'up', hubId: 'a' });
  await turn();
  hub.answer(attachedReply('a'));
  await turn();
  return { ...tab, hub };
}

describe('a SharedWorker', () => {
  it.each<[string, (tab: Awaited<ReturnType<typeof openTab>>) => void | Promise<void>]>([
    ['sends an error event', (tab) => tab.last().fail(failure('host-unavailable', 'blocked'))],
    ['does not answer', async () => void (await pass(silenceMs))],
    ['speaks another version', (tab) => tab.last().answer({ kind: 'other-version', version: 9 })],
  ])('that %s is followed by the next host', async (_, happens) => {
    const tab = await openTab();
    expect(tab.competing(hubLock)).toBe(0);
    await happens(tab);
    await turn();
    expect(tab.hosts.every(({ isClosed }) => isClosed)).toBe(true);
    expect(tab.competing(hubLock)).toBe(1);
    await tab.grant();
    expect([tab.last().kind, tab.engines]).toEqual(['dedicated-worker', ['dedicated-worker']]);
  });

  it('that cannot be constructed is followed by the next host, and not tried again', async () => {
    const tab = await openElected();
    expect(tab.socket.status).toMatchObject({ state: 'open', host: 'dedicated-worker' });
    tab.blocked.clear();
    tab.free('life of a');
    await turn();
    await tab.grant();
    expect(tab.kinds()).toEqual(['dedicated-worker', 'dedicated-worker']);
  });

  it('that stays silent is tried under other names', async () => {
    const tab = await openTab();
    await pass(silenceMs - 1);
    expect(tab.hosts.map(({ life }) => life)).toEqual([0, 0, 1, 2, 3]);
    await tab.answer(attachedReply('a'));
    tab.free('life of a');
    await turn();
    expect(tab.last().life).toBe(3);
  });

  describe('whose hub has died', () => {
    const tried = ({ hosts }: Awaited<ReturnType<typeof openTab>>) =>
      hosts.map(({ life, isClosed }) => `${life}${isClosed ? ' closed' : ''}`);

    async function openOrphan(afterMs: number) {
      const tab = await openTab();
      await tab.answer(attachedReply('a'));
      tab.free('life of a');
      await pass(afterMs);
      return tab;
    }

    it('is asked under its name, and after 150 ms under another one besides', async () => {
      const tab = await openOrphan(149);
      expect(tried(tab)).toEqual(['0 closed', '0']);
      await pass(1);
      expect(tried(tab)).toEqual(['0 closed', '0', '1']);
      await tab.answer(attachedReply('b'));
      expect(tab.socket.status).toMatchObject({ state: 'open', hubId: 'b' });
      expect(tried(tab)).toEqual(['0 closed', '0 closed', '1']);
      tab.free('life of b');
      await turn();
      expect(tab.last().life).toBe(1);
    });

    it('keeps its name if it answers before that', async () => {
      const tab = await openOrphan(149);
      await tab.answer(attachedReply('b'));
      await pass(silenceMs);
      expect(tried(tab)).toEqual(['0 closed', '0']);
    });

    it('keeps its name if it was slow, and the other one is not the hub', async () => {
      const tab = await openOrphan(150);
      await tab.answer(standby);
      tab.hosts[1]!.answer({ kind: 'waiting' });
      await pass(tabLimits.attachTimeoutMs);
      tab.hosts[1]!.answer(attachedReply('b'));
      await turn();
      expect(tab.socket.status).toMatchObject({ state: 'open', hubId: 'b' });
      expect(tried(tab)).toEqual(['0 closed', '0', '1 closed']);
      tab.free('life of b');
      await turn();
      expect(tab.last().life).toBe(0);
    });

    it('is looked for as ever, under the other name, when neither has answered', async () => {
      const tab = await openOrphan(150 + tabLimits.attachTimeoutMs);
      expect(tried(tab)).toEqual(['0 closed', '0 closed', '1 closed', '1']);
    });

    it('leads to the next host if it cannot be started any more', async () => {
      const tab = await openOrphan(150);
      tab.hosts[1]!.fail(failure('host-unavailable', 'blocked'));
      await turn();
      expect(tried(tab)).toEqual(['0 closed', '0 closed', '1 closed']);
      expect(tab.competing(hubLock)).toBe(1);
    });

    it('is let go of in the turn in which the page is hidden', async () => {
      const tab = await openOrphan(150);
      tab.page()!.hidden();
      expect(tried(tab)).toEqual(['0 closed', '0 closed', '1 closed']);
    });
  });

  it('that stays silent is passed by where another one has the hub, over the channel', async () => {
    const tab = await openTab();
    const hub = tab.hubAt('a');
    await pass(300 + 600);
    hub.answer(attachedReply('a'));
    await turn();
    expect(tab.socket.status).toMatchObject({ state: 'open', hubId: 'a' });
    expect(tab.hosts.map(({ isClosed }) => isClosed)).toEqual([true, true]);
    // Nor is it asked first when that hub has died.
    tab.free('life of a');
    await turn();
    expect(tab.last().life).toBe(1);
  });

  it('is waited for through 10.8 s of silence and no longer', async () => {
    const tab = await openTab();
    await pass(silenceMs - 1);
    expect([tab.hosts.length, tab.competing(hubLock)]).toEqual([5, 0]);
    await pass(1);
    expect([tab.hosts.length, tab.competing(hubLock)]).toEqual([5, 1]);
  });

  it('where a hub was is waited for without end by a tab that may go nowhere else', async () => {
    const tab = await openTab({ hosts: ['shared-worker'] });
    await tab.answer(attachedReply('a'));
    tab.free('life of a');
    await pass(10 * silenceMs);
    expect(tab.socket.status.state).toBe('connecting');
    await tab.answer(attachedReply('b'));
    expect(tab.socket.status).toMatchObject({ state: 'open', hubId: 'b' });
  });

  it('that is refused ends the tab with its error', async () => {
    const tab = await openTab();
    await tab.answer({ kind: 'refused', error: errorData('queue-full', 'too many tabs') });
    expect(tab.socket.status).toMatchObject({ state: 'closed', lastError: { code: 'queue-full' } });
    expect([tab.held.size, tab.competing(hubLock)]).toEqual([0, 0]);
  });
});

describe('a SharedWorker that is not the hub', () => {
  it('is asked in turn with the channel', async () => {
    const tab = await openTab();
    await tab.answer(standby);
    for (let attaches = 2; attaches < 6; attaches++) {
      await pass(tabLimits.channelTimeoutMs);
      expect(tab.last().attaches).toHaveLength(attaches);
      await tab.answer(standby);
    }
    await pass(tabLimits.channelTimeoutMs);
    await tab.answer(attachedReply('own'));
    expect(tab.socket.status).toMatchObject({ state: 'open', hubId: 'own' });
    expect([tab.hosts.length, tab.listening(hubName)]).toEqual([1, 0]);
  });

  it('leaves its tab to the hub on the channel, until it takes over', async () => {
    const tab = await openTab();
    const hub = tab.hubAt('a');
    await tab.answer(standby);
    hub.answer(attachedReply('a'));
    await turn();
    expect(tab.socket.status).toMatchObject({ state: 'open', hubId: 'a' });
    expect([hub.connects, hub.attaches.length, tab.last().isClosed]).toEqual([[1], 1, true]);
    expect(hub.attaches[0]).toMatchObject({ tabId: tab.socket.status.tabId, lockName: tab.tabLock });
    expect(hub.ops).toEqual([{ kind: 'signal', signal: 'visible' }]);
    hub.say({ kind: 'up', hubId: 'a' });
    hub.say({ kind: 'up', hubId: '' });
    await turn();
    expect(tab.socket.status.state).toBe('open');
    hub.say({ kind: 'up', hubId: 'own' });
    await turn();
    expect(tab.socket.status.state).toBe('connecting');
    await tab.answer(attachedReply('own'));
    expect(tab.kinds()).toEqual(['shared-worker', 'shared-worker']);
    expect(tab.socket.status).toMatchObject({ state: 'open', hubId: 'own' });
  });

  it('is asked at once when it says that it is up', async () => {
    const tab = await openTab();
    await tab.answer(standby);
    const own = tab.hubAt('own');
    own.say({ kind: 'up', hubId: 'own' });
    await turn();
    expect(tab.last().attaches).toHaveLength(2);
  });

  it('is waited for without a channel, too', async () => {
    const tab = await openTab({ lacks: { openChannel: null } });
    for (let attaches = 2; attaches < 6; attaches++) {
      await tab.answer(standby);
      expect(tab.last().attaches).toHaveLength(attaches);
    }
    await tab.answer(attachedReply('own'));
    expect(tab.socket.status.state).toBe('open');
  });
});

describe('a hub of another version', () => {
  it('is waited for, and the status says why', async () => {
    const tab = await openTab();
    const old = tab.hubAt('old');
    await tab.answer(standby);
    old.answer({ kind: 'other-version', version: 2 });
    await turn();
    const lastError = { code: 'unsupported-version' };
    expect(tab.socket.status).toMatchObject({ state: 'connecting', lastError });
    await pass(tabLimits.otherVersionPauseMs - 1);
    expect([old.attaches.length, tab.last().attaches.length]).toEqual([1, 1]);
    await pass(1);
    await tab.answer(standby);
    expect(old.attaches).toHaveLength(2);
    old.die();
    tab.hubAt('own').say({ kind: 'up', hubId: 'own' });
    await turn();
    await tab.answer(attachedReply('own'));
    expect(tab.socket.status).toMatchObject({ state: 'open', lastError: null });
  });
});

describe('a tab without a SharedWorker', () => {
  it('competes for the lock and calls for the hub until it has one', async () => {
    const tab = await openTab(withoutSharedWorker);
    expect([...tab.held]).toEqual([tab.tabLock]);
    await pass(20 * tabLimits.channelTimeoutMs);
    const hub = tab.hubAt('a');
    await pass(tabLimits.channelTimeoutMs);
    expect([hub.connects.length, hub.attaches.length]).toEqual([1, 1]);
    hub.answer({ kind: 'waiting' });
    await turn();
    expect(hub.attaches).toHaveLength(2);
    hub.answer(attachedReply('a'));
    await turn();
    expect(tab.socket.status).toMatchObject({ state: 'open', hubId: 'a' });
    expect([tab.competing(hubLock), tab.engines]).toEqual([1, []]);
  });

  it('calls a hub that has joined and is slow again in the same channel, but not for ever', async () => {
    const tab = await openTab(withoutSharedWorker);
    const hub = tab.hubAt('a');
    await pass((2 * tabLimits.channelCalls + 1) * tabLimits.channelTimeoutMs);
    expect(hub.attaches.length).toBe(3);
    expect(new Set(hub.connects)).toEqual(new Set([1, 2, 3]));
  });

  it('attaches to the next hub when the one that has joined is followed by another', async () => {
    const tab = await openTab(withoutSharedWorker);
    const dead = tab.hubAt('a');
    await pass(tabLimits.channelTimeoutMs);
    expect(dead.attaches).toHaveLength(1);
    dead.die();
    const hub = tab.hubAt('b');
    hub.say({ kind: 'up', hubId: 'b' });
    await turn();
    hub.answer(attachedReply('b'));
    await turn();
    expect(tab.socket.status.hubId).toBe('b');
  });

  it('starts an engine when it wins, and attaches to it by port', async () => {
    const tab = await openElected();
    expect(tab.socket.status).toMatchObject({ state: 'open', hubId: 'a' });
    expect(tab.hosts).toMatchObject([{ kind: 'dedicated-worker', hubName, isClosed: false }]);
    expect([...tab.held].toSorted()).toEqual([hubLock, tab.tabLock].toSorted());
  });

  it('leaves the hub that it has for its own when it wins', async () => {
    const tab = await openFollower();
    const request = tab.socket.request('m', 1).catch((error: { code: string }) => error.code);
    await turn();
    tab.hub.die();
    await tab.grant();
    await expect(request).resolves.toBe('hub-lost');
    await tab.answer(attachedReply('b'));
    expect(tab.socket.status).toMatchObject({ state: 'open', hubId: 'b' });
    expect(tab.stopped).toEqual([]);
  });

  it('takes the answer of its engine, though the deadline was due first when the page went on', async () => {
    let due: (() => void)[] = [];
    const after = (_delayMs: number, run: () => void) => {
      due.push(run);
      return () => void (due = due.filter((other) => other !== run));
    };
    const tab = await openTab({ ...withoutSharedWorker, lacks: { after } });
    await tab.grant();
    for (const run of due.splice(0)) run();
    await turn();
    await tab.answer(attachedReply('a', { status: { host: 'dedicated-worker' } }));
    expect(tab.socket.status).toMatchObject({ state: 'open', host: 'dedicated-worker' });
    expect(tab.engines).toEqual(['dedicated-worker']);
  });

  it('takes nothing from a hub that it has left, and that joins once more, before it has attached anew', async () => {
    const tab = await openFollower();
    tab.free('life of a');
    await turn();
    const reply = attachedReply('a', { status: { state: 'backoff' } });
    if (reply.kind !== 'attached') return;
    const { status } = reply;
    const taken = tab.hub.tab()!.deliver('a', 1, [{ kind: 'status', status }]);
    await turn();
    expect([tab.hub.attaches.length, tab.socket.status.state]).toEqual([2, 'connecting']);
    tab.hub.answer(reply);
    await expect(taken).resolves.toEqual([]);
    await turn();
    expect(tab.socket.status).toMatchObject({ state: 'backoff', hubId: 'a' });
  });

  it.each<[string, (tab: Awaited<ReturnType<typeof openFollower>>) => void]>([
    ['is dead', (tab) => tab.free('life of a')],
    ['is followed by another', (tab) => tab.hub.say({ kind: 'up', hubId: 'b' })],
  ])('looks anew when the hub on the channel %s, and stays in line', async (_, happens) => {
    const tab = await openFollower();
    tab.hub.say({ kind: 'up', hubId: 'a' });
    await turn();
    expect(tab.socket.status.state).toBe('open');
    happens(tab);
    await turn();
    tab.hub.die();
    expect([tab.socket.status.state, tab.competing(hubLock)]).toEqual(['connecting', 1]);
    const hub = tab.hubAt('b');
    await pass(tabLimits.channelTimeoutMs);
    hub.say({ kind: 'up', hubId: 'b' });
    await turn();
    hub.answer(attachedReply('b'));
    await turn();
    expect(tab.socket.status).toMatchObject({ state: 'open', hubId: 'b' });
  });

  it('leaves alone what the hub says that it has left for another', async () => {
    const tab = await openFollower();
    tab.hub.die();
    const hub = tab.hubAt('b');
    hub.say({ kind: 'up', hubId: 'b' });
    await turn();
    hub.answer(attachedReply('b'));
    await turn();
    hub.say({ kind: 'up', hubId: 'a' });
    await turn();
    expect(tab.socket.status).toMatchObject({ state: 'open', hubId: 'b' });
  });
});

describe('an engine', () => {
  it.each<[string, Setting, (tab: Awaited<ReturnType<typeof openTab>>) => void | Promise<void>]>([
    ['cannot be constructed', { blocked: ['shared-worker', 'dedicated-worker'] }, () => {}],
    ['sends an error event', withoutSharedWorker, (tab) => tab.last().fail(failure('host-unavailable', ''))],
    ['does not answer for 10 s', withoutSharedWorker, async () => void (await pass(10_000))],
    [
      'speaks another version',
      withoutSharedWorker,
      (tab) => tab.answer({ kind: 'other-version', version: 9 }),
    ],
  ])('that %s is followed by the page, with the lock kept', async (_, setting, happens) => {
    const tab = await openTab(setting);
    await tab.grant();
    await happens(tab);
    await turn();
    expect(tab.held.has(hubLock)).toBe(true);
    expect(tab.stopped).toEqual(tab.engines.slice(0, -1));
    await tab.answer(attachedReply('a', { status: { host: 'page' } }));
    expect([tab.last().kind, tab.socket.status.host]).toEqual(['page', 'page']);
  });

  it('that opens its store is asked again for as long as it takes', async () => {
    const tab = await openTab(withoutSharedWorker);
    await tab.grant();
    for (let count = 0; count < 100; count++) {
      await pass(250);
      await tab.answer({ kind: 'waiting' });
    }
    await tab.answer(attachedReply('a'));
    expect([tab.socket.status.state, tab.engines.length]).toEqual(['open', 1]);
  });

  it('whose hub has ended is stopped, and its tab goes to the end of the line', async () => {
    const tab = await openElected();
    tab.free('life of a');
    expect([tab.stopped, tab.held.has(hubLock)]).toEqual([['dedicated-worker'], false]);
    await turn();
    expect([tab.socket.status.state, tab.competing(hubLock)]).toEqual(['connecting', 1]);
    await tab.grant();
    await tab.answer(attachedReply('b'));
    expect(tab.socket.status).toMatchObject({ state: 'open', hubId: 'b' });
  });

  it('is stopped when the lock is lost, and its tab follows the next hub', async () => {
    const tab = await openElected();
    tab.revoke(hubLock);
    expect(tab.stopped).toEqual(['dedicated-worker']);
    await turn();
    expect(tab.socket.status.state).toBe('connecting');
    const hub = tab.hubAt('b');
    await pass(tabLimits.channelTimeoutMs);
    hub.answer(attachedReply('b'));
    await turn();
    expect(tab.socket.status).toMatchObject({ state: 'open', hubId: 'b' });
    await pass(2_000);
    expect(tab.competing(hubLock)).toBe(1);
  });

  it('is stopped when the lock is lost before it has answered', async () => {
    const tab = await openTab(withoutSharedWorker);
    await tab.grant();
    tab.revoke(hubLock);
    await turn();
    expect([tab.stopped, tab.last().isClosed]).toEqual([['dedicated-worker'], true]);
    await pass(2_000);
    await tab.grant();
    await tab.answer(attachedReply('b'));
    expect(tab.socket.status.state).toBe('open');
  });

  it('of the last host that fails ends the tab', async () => {
    const tab = await openTab({ blocked: hostOrder });
    const request = tab.socket.request('m', 1).catch((error: { code: string }) => error.code);
    await tab.grant();
    await expect(request).resolves.toBe('host-unavailable');
    expect(tab.socket.status).toMatchObject({ state: 'closed', lastError: { code: 'host-unavailable' } });
    expect([tab.held.size, tab.competing(hubLock), tab.listening(hubName)]).toEqual([0, 0, 0]);
  });

  it.each([
    ['locks', { locks: null }],
    ['a channel', { openChannel: null }],
  ])('runs without an election where there is no SharedWorker and no %s', async (_, lacks) => {
    const tab = await openTab({ ...withoutSharedWorker, lacks });
    await tab.answer(attachedReply('a', { lifeLock: null, status: { host: 'unshared' } }));
    expect(tab.socket.status).toMatchObject({ state: 'open', host: 'unshared' });
    expect(tab.competing(hubLock)).toBe(0);
  });
});

describe('a page that goes into the back/forward cache', () => {
  it('stops its engine and releases everything in that turn, and comes back as a candidate', async () => {
    const tab = await openElected();
    tab.page()!.hidden();
    expect(tab.last()).toMatchObject({ detached: [tab.socket.status.tabId], isClosed: true });
    expect([tab.stopped, tab.held.size]).toEqual([['dedicated-worker'], 0]);
    expect([tab.competing(hubLock), tab.listening(hubName)]).toEqual([0, 0]);
    // Chromium freezes and resumes a page on its way there and back.
    tab.page()!.frozen();
    tab.page()!.signal('resume');
    expect([tab.held.size, tab.competing(hubLock)]).toEqual([0, 0]);
    tab.page()!.restored();
    await turn();
    expect([tab.competing(hubLock), tab.engines.length]).toEqual([1, 1]);
    await tab.grant();
    await tab.answer(attachedReply('b'));
    expect(tab.socket.status).toMatchObject({ state: 'open', hubId: 'b' });
  });

  it('closes its channels in that turn, and says goodbye there', async () => {
    const tab = await openFollower();
    const { tabId } = tab.socket.status;
    tab.page()!.hidden();
    // What is left are the hub's own ends.
    expect([tab.listening(hubName), tab.listening(`${hubName}:${tabId}`)]).toEqual([1, 1]);
    expect([tab.held.size, tab.competing(hubLock)]).toEqual([0, 0]);
    await turn();
    expect(tab.hub.detached).toEqual([tabId]);
  });

  it('while it looks for its hub asks nobody any more', async () => {
    const tab = await openTab(withoutSharedWorker);
    const hub = tab.hubAt('a');
    tab.page()!.hidden();
    await pass(60_000);
    expect([hub.connects.length, hub.attaches.length]).toEqual([0, 0]);
  });
});

describe('a page that is frozen', () => {
  it('hands its hub over before, and begins anew when it is resumed', async () => {
    const tab = await openElected();
    tab.page()!.frozen();
    expect([tab.stopped, tab.held.size]).toEqual([['dedicated-worker'], 0]);
    expect(tab.socket.status.state).toBe('connecting');
    tab.page()!.signal('resume');
    await turn();
    await tab.grant();
    await tab.answer(attachedReply('b'));
    expect(tab.socket.status).toMatchObject({ state: 'open', hubId: 'b' });
  });

  it('keeps the hub of another, but leaves the line', async () => {
    const tab = await openFollower();
    tab.page()!.frozen();
    expect([tab.competing(hubLock), tab.socket.status.state]).toEqual([0, 'open']);
    tab.page()!.signal('resume');
    expect([tab.competing(hubLock), tab.socket.status.hubId]).toEqual([1, 'a']);
    tab.page()!.signal('resume');
    expect(tab.competing(hubLock)).toBe(1);
  });

  it('has nothing to hand over at a SharedWorker', async () => {
    const tab = await openTab();
    await tab.answer(attachedReply('a'));
    tab.page()!.frozen();
    tab.page()!.signal('resume');
    expect([tab.socket.status.state, tab.competing(hubLock)]).toEqual(['open', 0]);
  });
});

describe('an error in the hub', () => {
  it('is reported in the page, with the stack of the worker', async () => {
    const reported: unknown[] = [];
    vi.stubGlobal('reportError', (error: unknown) => reported.push(error));
    const tab = await openElected();
    tab.last().api.trouble('no such thing', 'Error: no such thing\n    at hub');
    expect(reported).toMatchObject([{ message: 'no such thing', stack: 'Error: no such thing\n    at hub' }]);
  });
});
