import { describe, expect, it } from 'vitest';
import { errorData } from '../src/protocol/errors.ts';
import { platformClock } from './clock.ts';
import * as workerLimits from './limits.ts';
import { hubLifeLock, hubLock } from './names.ts';
import { claimOwnership } from './ownership.ts';
import { memoryChannels } from './testing/memory-channels.ts';
import { MemoryLocks } from './testing/memory-locks.ts';
import { FakeTab, hubName, MemoryStore, publish, turn, url, World } from './testing/host-world.ts';

describe('the hub of a name', () => {
  it('holds the hub lock and a lock of its own life', async () => {
    const world = new World();
    expect(world.locks.held).toEqual([]);
    const { lifeLock } = await new FakeTab(world, 'a').attached();
    expect(lifeLock).toBe(hubLifeLock(hubName, world.host.hubId));
    expect(world.locks.held).toEqual([hubLock(hubName), lifeLock]);
  });

  it('is one alone: another one answers that it stands by, until the first is gone', async () => {
    const first = new World();
    await new FakeTab(first, 'a').attached();
    const second = new World({ locks: first.locks, store: new MemoryStore(first.store.plain) });
    const tab = new FakeTab(second, 'b');
    const asked = tab.attach();
    await turn();
    second.elapse(workerLimits.attachAnswerMs);
    expect(await asked).toEqual({ kind: 'standby', hubId: second.host.hubId });
    expect(second.store.opening).toBeNull();
    first.host.end();
    await turn();
    expect(await tab.attached()).toMatchObject({ status: { hubId: second.host.hubId, tabs: ['b'] } });
  });

  it('answers that it waits while the store is being opened, and serves with the options that came first', async () => {
    const world = new World();
    let opened!: () => void;
    world.store.opens = new Promise((resolve) => (opened = resolve));
    const tab = new FakeTab(world, 'a');
    const asked = tab.attach({ options: { url, durability: 'relaxed' } });
    await turn();
    world.elapse(workerLimits.attachAnswerMs);
    expect(await asked).toEqual({ kind: 'waiting' });
    opened();
    expect(await tab.attached()).toMatchObject({ status: { durability: 'relaxed' } });
    expect(world.store.opening?.durability).toBe('relaxed');
  });

  it('tells its tabs how the store stands, also what it learnt while it opened', async () => {
    const world = new World();
    const opening = world.store.open.bind(world.store);
    const error = errorData('storage-failed', 'private window');
    world.store.open = (more) => {
      more.onHealth({ durability: 'memory', error });
      return opening(more);
    };
    const tab = new FakeTab(world, 'a');
    expect(await tab.attached()).toMatchObject({ status: { durability: 'memory', storeError: error } });
    world.store.opening?.onHealth({ durability: 'strict', error: null });
    await turn();
    expect(tab.items.findLast(({ kind }) => kind === 'status')).toMatchObject({
      status: { storeError: null },
    });
  });

  it('has what the one before it has stored', async () => {
    const first = new World();
    const before = new FakeTab(first, 'a');
    const { hubId } = (await before.attached()).status;
    before.api.push(hubId, 'a', [publish(1)]);
    await turn();
    first.store.settles = false;
    before.api.push(hubId, 'a', [publish(2)]);
    await turn();
    const second = new World({ store: new MemoryStore(first.store.plain) });
    const reply = await new FakeTab(second, 'a').attached();
    expect(reply).toMatchObject({
      takenUpTo: 1,
      storedUpTo: 1,
      ackedUpTo: 0,
      status: { queue: { entries: 1 } },
    });
  });
});

describe('a hub that somebody else was elected for', () => {
  it('waits for nobody, and leaves the hub lock to whom has it', async () => {
    const locks = new MemoryLocks();
    await locks.hold(hubLock(hubName));
    const world = new World({ locks, host: 'dedicated-worker', isElected: true });
    const { lifeLock } = await new FakeTab(world, 'a').attached();
    expect(locks.held).toEqual([hubLock(hubName), lifeLock]);
    world.host.end();
    expect(locks.held).toEqual([hubLock(hubName)]);
  });
});

describe('a hub whose lock was stolen', () => {
  it('ends: hangs up, lets go of its life lock, tabs, channels and timers, and competes no more', async () => {
    const openChannel = memoryChannels();
    const world = new World({ openChannel });
    const tab = new FakeTab(world, 'a');
    await tab.attached();
    world.welcome();
    const undecided = new FakeTab(world, 'b');
    undecided.token = () => new Promise(() => {});
    await undecided.attached({ hasAuth: true });
    undecided.api.push(world.host.hubId, 'b', [{ kind: 'reconnect', id: 'r' }]);
    expect(undecided.tokensAsked).toBe(1);
    world.locks.take(hubLock(hubName));
    await turn();
    expect(world.sockets[0]?.closed).toMatchObject({ code: 1000 });
    expect([world.locks.held, world.timers.size, openChannel.open.size]).toEqual([[], 0, 0]);
    expect([tab.isClosed, world.store.isClosed, world.hasEnded]).toEqual([true, true, true]);
  });

  it('before its store was open never serves', async () => {
    const world = new World();
    let opened!: () => void;
    world.store.opens = new Promise((resolve) => (opened = resolve));
    const asked = new FakeTab(world, 'a').attach();
    await turn();
    world.locks.take(hubLock(hubName));
    await turn();
    opened();
    const answer = await Promise.race([asked, turn().then(() => 'none')]);
    expect([answer, world.locks.held, world.sockets]).toEqual(['none', [], []]);
  });
});

describe('an ownership that is released while its life lock is asked for', () => {
  it('keeps no lock', async () => {
    const locks = new MemoryLocks();
    const world = { hubName, clock: platformClock, locks, openChannel: null, isElected: true };
    const ownership = claimOwnership(world, 'hub', () => {});
    await ownership.elected;
    const living = ownership.live();
    ownership.release();
    await living;
    expect(locks.held).toEqual([]);
  });
});

describe('a hub that ends before a tab has asked it anything', () => {
  it('competes for nothing any more, and answers nobody', async () => {
    const world = new World();
    const tab = new FakeTab(world, 'a');
    world.host.end();
    const answer = await Promise.race([tab.attach(), turn().then(() => 'none')]);
    expect([answer, world.locks.held, world.timers.size]).toEqual(['none', [], 0]);
  });
});

describe('a hub that ends while it stands by', () => {
  it('leaves the line, its channel and its timers', async () => {
    const [locks, openChannel] = [new MemoryLocks(), memoryChannels()];
    const release = await locks.hold(hubLock(hubName));
    const world = new World({ locks, openChannel });
    void new FakeTab(world, 'a').attach();
    await turn();
    world.host.end();
    release();
    await turn();
    expect([locks.held, openChannel.open.size, world.timers.size]).toEqual([[], 0, 0]);
  });
});

describe('a hub whose store another one has opened', () => {
  it('ends: hangs up, lets go of locks, tabs and timers, and answers nobody any more', async () => {
    const world = new World();
    const tab = new FakeTab(world, 'a');
    const { hubId } = (await tab.attached()).status;
    world.welcome();
    world.store.opening?.onFenced();
    expect(world.sockets[0]?.closed).toMatchObject({ code: 1000 });
    expect([world.locks.held, world.locks.watchers.size, world.timers.size]).toEqual([[], 0, 0]);
    expect([tab.isClosed, world.store.isClosed, world.hasEnded]).toEqual([true, true, true]);
    expect(tab.api.push(hubId, 'a', [publish(1)])).toBe('unknown-tab');
    const answer = await Promise.race([new FakeTab(world, 'b').attach(), turn().then(() => 'none')]);
    expect(answer).toBe('none');
  });

  it('while it is being opened never becomes the hub', async () => {
    const world = new World();
    const opening = world.store.open.bind(world.store);
    world.store.open = (more) => {
      more.onFenced();
      return opening(more);
    };
    const answer = await Promise.race([new FakeTab(world, 'a').attach(), turn().then(() => 'none')]);
    expect([answer, world.locks.held, world.sockets]).toEqual(['none', [], []]);
  });
});
