import { describe, expect, it, vi } from 'vitest';
import { errorData } from '../src/protocol/errors.ts';
import { hubApiVersion } from './core/hub-api.ts';
import * as coreLimits from './core/limits.ts';
import * as workerLimits from './limits.ts';
import { FakeTab, publish, turn, World } from './testing/host-world.ts';

/** The reasons of the promises that were rejected meanwhile with nobody to hear it. */
async function unhandledRejections(run: () => Promise<void>): Promise<unknown[]> {
  const reasons: unknown[] = [];
  const before = process.listeners('unhandledRejection');
  process.removeAllListeners('unhandledRejection');
  process.on('unhandledRejection', (reason) => void reasons.push(reason));
  try {
    await run();
    await new Promise((done) => setImmediate(done));
  } finally {
    process.removeAllListeners('unhandledRejection');
    for (const listener of before) process.on('unhandledRejection', listener);
  }
  return reasons;
}

describe('a tab that attaches', () => {
  it('is told who the hub is, and how it stands', async () => {
    const world = new World();
    const reply = await new FakeTab(world, 'a').attached();
    expect(reply).toMatchObject({
      takenUpTo: 0,
      storedUpTo: 0,
      ackedUpTo: 0,
      failed: [],
      status: { hubId: world.host.hubId, host: 'shared-worker', state: 'connecting', tabs: ['a'] },
    });
    expect(world.sockets).toHaveLength(1);
  });

  it('is told the version where it speaks another one', async () => {
    const reply = await new FakeTab(new World(), 'a').attach({ version: hubApiVersion + 1 });
    expect(reply).toEqual({ kind: 'other-version', version: hubApiVersion });
  });

  it.each([
    ['a newer', 1, true],
    ['an older', -1, false],
  ])('with %s version shows the others whether the hub is outdated', async (_, step, isOutdated) => {
    const world = new World();
    const tab = new FakeTab(world, 'a');
    await tab.attached();
    await new FakeTab(world, 'b').attach({ version: hubApiVersion + step });
    await turn();
    expect(tab.items.some((item) => item.kind === 'status' && item.status.isOutdated)).toBe(isOutdated);
    expect(await new FakeTab(world, 'c').attached()).toMatchObject({ status: { isOutdated } });
  });

  it('makes way for a newer version as soon as the last tab has gone', async () => {
    const world = new World();
    const tab = new FakeTab(world, 'a');
    const { status } = await tab.attached();
    await new FakeTab(world, 'b').attach({ version: hubApiVersion + 1 });
    expect(world.hasEnded).toBe(false);
    tab.api.detach(status.hubId, 'a');
    expect(world.hasEnded).toBe(true);
  });

  it.each([1, -1])('makes way for another version (%i) that asks when no tab is left', async (step) => {
    const world = new World();
    const tab = new FakeTab(world, 'a');
    const { status } = await tab.attached();
    tab.api.detach(status.hubId, 'a');
    await new FakeTab(world, 'b').attach({ version: hubApiVersion + step });
    expect(world.hasEnded).toBe(true);
  });

  it('ends no hub that is the engine of a tab, which has yet to attach', async () => {
    const world = new World({ isElected: true });
    const tab = new FakeTab(world, 'a');
    const { status } = await tab.attached();
    tab.api.detach(status.hubId, 'a');
    await new FakeTab(world, 'b').attach({ version: hubApiVersion + 1 });
    expect(world.hasEnded).toBe(false);
    await expect(tab.attached()).resolves.toMatchObject({ kind: 'attached' });
  });

  it('is refused where it wants another URL than the first tab', async () => {
    const world = new World();
    await new FakeTab(world, 'a').attached();
    const reply = await new FakeTab(world, 'b').attach({ options: { url: 'ws://other.test/' } });
    expect(reply).toMatchObject({ kind: 'refused', error: { code: 'invalid-option' } });
  });

  it('is refused above the bound of tabs, unless it was there before', async () => {
    const world = new World();
    for (let index = 0; index < coreLimits.tabs; index++) await new FakeTab(world, `${index}`).attached();
    expect(await new FakeTab(world, 'more').attach()).toMatchObject({ error: { code: 'queue-full' } });
    expect(await new FakeTab(world, '5').attach()).toMatchObject({ kind: 'attached' });
  });

  it('shares the hub with one that attaches at the same time', async () => {
    const world = new World();
    const replies = await Promise.all(['a', 'b'].map((id) => new FakeTab(world, id).attached()));
    expect(replies.map(({ status }) => status.tabs)).toContainEqual(['a', 'b']);
    expect(world.sockets).toHaveLength(1);
  });

  it('again is told what the hub has taken of it', async () => {
    const world = new World();
    const tab = new FakeTab(world, 'a');
    const { status } = await tab.attached();
    tab.api.push(status.hubId, 'a', [publish(1), publish(2)]);
    await turn();
    expect(await new FakeTab(world, 'a').attached()).toMatchObject({
      takenUpTo: 2,
      storedUpTo: 2,
      ackedUpTo: 0,
      failed: [],
    });
    expect(tab.isClosed).toBe(true);
  });

  it('again is told what of it is stored, and what is only taken', async () => {
    const world = new World();
    const tab = new FakeTab(world, 'a');
    const { hubId } = (await tab.attached()).status;
    tab.api.push(hubId, 'a', [publish(1)]);
    await turn();
    world.store.settles = false;
    tab.api.push(hubId, 'a', [publish(2), publish(3)]);
    await turn();
    expect(await new FakeTab(world, 'a').attached()).toMatchObject({
      takenUpTo: 3,
      storedUpTo: 1,
      ackedUpTo: 0,
      failed: [],
    });
  });
});

describe('a call', () => {
  it('of an unknown tab, or for another hub, is answered so that the tab attaches again', async () => {
    const world = new World();
    const tab = new FakeTab(world, 'a');
    const { hubId } = (await tab.attached()).status;
    const stranger = new FakeTab(world, 'b');
    expect(tab.api.push(hubId, 'a', [])).toBe('taken');
    expect(tab.api.push('another hub', 'a', [])).toBe('unknown-tab');
    expect(tab.api.push(hubId, 'b', [])).toBe('unknown-tab');
    expect(stranger.api.push(hubId, 'a', [])).toBe('unknown-tab');
    stranger.api.detach(hubId, 'a');
    expect(tab.api.push(hubId, 'a', [])).toBe('taken');
  });

  it('over a port that the tab has left is not taken', async () => {
    const world = new World();
    const before = new FakeTab(world, 'a');
    const { hubId } = (await before.attached()).status;
    await new FakeTab(world, 'a').attached();
    expect(before.api.push(hubId, 'a', [])).toBe('unknown-tab');
  });
});

describe('a tab that goes', () => {
  it('with a goodbye is let go of, lock and port', async () => {
    const world = new World();
    const tab = new FakeTab(world, 'a');
    const { hubId } = (await tab.attached()).status;
    tab.api.detach(hubId, 'a');
    expect([tab.isClosed, world.locks.watchers.size]).toEqual([true, 0]);
    expect(tab.api.push(hubId, 'a', [])).toBe('unknown-tab');
  });

  it('without one is known by its lock, and the others hear of it', async () => {
    const world = new World();
    const [tab, other] = [new FakeTab(world, 'a'), new FakeTab(world, 'b')];
    await tab.attached();
    await other.attached();
    world.locks.watchers.get('lock a')!();
    await turn();
    expect(tab.isClosed).toBe(true);
    expect(other.items.findLast(({ kind }) => kind === 'status')).toMatchObject({ status: { tabs: ['b'] } });
  });

  it('as the last one ends the connection', async () => {
    const world = new World();
    const tab = new FakeTab(world, 'a');
    const { hubId } = (await tab.attached()).status;
    world.welcome();
    tab.api.detach(hubId, 'a');
    expect(world.sockets[0]?.closed).toMatchObject({ code: 1000 });
  });

  it('without Web Locks is served all the same', async () => {
    const world = new World({ hasLocks: false });
    const reply = await new FakeTab(world, 'a').attached({ lockName: null });
    expect([reply.lifeLock, world.locks.held, world.locks.watchers.size]).toEqual([null, [], 0]);
  });
});

describe('the token', () => {
  const asking = async (...arrange: ((tab: FakeTab) => void)[]) => {
    const world = new World();
    const tabs = arrange.map((prepare, index) => {
      const tab = new FakeTab(world, `tab${index}`);
      prepare(tab);
      return tab;
    });
    // Attached at once, so that the first connection knows of all; the newest is asked first.
    await Promise.all(tabs.map((tab) => tab.attached({ hasAuth: true })));
    await turn();
    return { world, tabs };
  };
  const error = errorData('auth-failed', 'logged out');

  it('is asked of one tab, and said to the server', async () => {
    const { world, tabs } = await asking(() => {});
    expect(tabs[0]?.tokensAsked).toBe(1);
    world.welcome();
    expect(world.sent.map(({ type }) => type).slice(0, 2)).toEqual(['hello', 'auth']);
    expect(world.sent[1]).toMatchObject({ payload: { token: 'token of tab0' } });
  });

  it('that a tab fails to give ends the attempt with its error', async () => {
    const { world, tabs } = await asking((tab) => (tab.token = async () => ({ error })));
    expect(world.sockets).toHaveLength(0);
    expect(tabs[0]?.items.findLast(({ kind }) => kind === 'status')).toMatchObject({
      status: { state: 'backoff', lastError: { message: 'logged out' } },
    });
  });

  it('is asked again over another link, where the tab has attached anew and the former one is dead', async () => {
    const world = new World();
    const [dead, live] = [new FakeTab(world, 'a'), new FakeTab(world, 'a')];
    dead.token = () => new Promise(() => {});
    await Promise.all([dead.attached({ hasAuth: true }), live.attached({ hasAuth: true })]);
    await turn();
    expect([dead, live].map((tab) => [tab.isClosed, tab.tokensAsked])).toEqual([
      [true, 1],
      [false, 1],
    ]);
    world.welcome();
    expect(world.sent[1]).toMatchObject({ payload: { token: 'token of a' } });
  });

  it('is asked once over a link over which the tab attaches twice', async () => {
    const world = new World();
    const tab = new FakeTab(world, 'a');
    tab.token = () => new Promise(() => {});
    for (let count = 0; count < 2; count++) await tab.attached({ hasAuth: true });
    await turn();
    expect(tab.tokensAsked).toBe(1);
  });

  it('is asked of nobody after its time, though the tab attaches anew', async () => {
    const world = new World();
    const [dead, live] = [new FakeTab(world, 'a'), new FakeTab(world, 'a')];
    dead.token = () => new Promise(() => {});
    await dead.attached({ hasAuth: true });
    world.elapse(workerLimits.tokenTimeoutMs);
    await turn();
    await live.attached({ hasAuth: true });
    await turn();
    expect([dead, live].map((tab) => tab.tokensAsked)).toEqual([1, 0]);
  });

  it('is asked of the next tab where one does not answer in time, or fails', async () => {
    const world = new World();
    const [works, fails, hangs] = ['works', 'fails', 'hangs'].map((id) => new FakeTab(world, id));
    fails!.token = async () => ({ error });
    hangs!.token = () => new Promise(() => {});
    await hangs!.attached({ hasAuth: true });
    for (const tab of [works, fails]) await tab!.attached({ hasAuth: true });
    // The first attempt knew of one tab only; the next one asks the newest first, and the hanging one last.
    world.elapse(workerLimits.tokenTimeoutMs);
    await turn();
    world.elapse(1_000);
    await turn();
    expect([fails, works].map((tab) => tab!.tokensAsked)).toEqual([1, 1]);
    world.welcome();
    expect(world.sent[1]).toMatchObject({ payload: { token: 'token of works' } });
  });

  it('is not waited for where the call itself fails', async () => {
    const { tabs } = await asking((tab) => (tab.token = () => Promise.reject(new Error('broken'))));
    await turn();
    expect(tabs[0]?.items.findLast(({ kind }) => kind === 'status')).toMatchObject({
      status: { state: 'backoff', lastError: { code: 'auth-failed', retryable: true } },
    });
  });
});

describe('what goes over the wire', () => {
  it('is packed by the bounds of the server, with binary entries in their place', async () => {
    const world = new World();
    const tab = new FakeTab(world, 'a');
    const { hubId } = (await tab.attached()).status;
    world.welcome();
    const bytes = new Uint8Array([1, 2]).buffer;
    tab.api.push(hubId, 'a', [publish(1), publish(2), publish(3, { bytes }), publish(4)]);
    await turn();
    const frames = world.sockets[0]!.frames.slice(-3);
    expect(frames.map((frame) => typeof frame)).toEqual(['string', 'object', 'string']);
    const sent = world.sent.filter(({ type }) => type === 'publish');
    expect(sent).toMatchObject([1, 2, 3, 4].map((seq) => ({ seq })));
    expect(sent[0]).toMatchObject({ id: 'p1', topic: 't', payload: { a: 1 } });
    expect(sent[2]).toMatchObject({ payload: new Uint8Array([1, 2]) });
    world.sockets[0]!.events.frame('{"type":"ack","id":"x","ts":1,"seq":4}');
    await turn();
    expect(tab.items.filter(({ kind }) => kind === 'acked')).toEqual([{ kind: 'acked', upTo: 4 }]);
  });

  it('reaches a tab in numbered batches', async () => {
    const world = new World();
    const tab = new FakeTab(world, 'a');
    const { hubId } = (await tab.attached()).status;
    world.welcome();
    tab.api.push(hubId, 'a', [{ kind: 'subscribe', sub: 1, topic: 't', replay: 0 }]);
    const { events } = world.sockets[0]!;
    const re = world.sent.find(({ type }) => type === 'subscribe')!.id;
    events.frame(
      JSON.stringify({ type: 'subscribed', id: 'x', ts: 1, re, topic: 't', epoch: 'e', offset: 0, head: 0 }),
    );
    for (let offset = 1; offset <= 9; offset++) {
      events.frame(
        JSON.stringify({ type: 'message', id: 'm', ts: 1, topic: 't', epoch: 'e', offset, payload: offset }),
      );
    }
    await turn();
    expect(tab.numbers).toEqual(tab.numbers.map((_, index) => index + 1));
    const rows = tab.items.flatMap((item) =>
      item.kind === 'messages' ? (JSON.parse(item.rows) as unknown[]) : [],
    );
    expect(rows).toHaveLength(9);
  });

  it('ends with the close code of a frame that is none', async () => {
    const world = new World();
    await new FakeTab(world, 'a').attached();
    world.welcome();
    world.sockets[0]!.events.frame('garbage');
    expect(world.sockets[0]?.closed).toMatchObject({ code: 4400 });
  });

  it('of an old socket changes nothing once another was dialled', async () => {
    const world = new World();
    const tab = new FakeTab(world, 'a');
    await tab.attached();
    world.sockets[0]!.events.closed(1006, '');
    world.elapse(1_000);
    expect(world.sockets).toHaveLength(2);
    world.welcome();
    world.sockets[0]!.events.closed(1006, '');
    world.sockets[0]!.events.frame('garbage');
    expect(world.sockets[1]?.closed).toBeNull();
  });
});

describe('an entry that the server refuses', () => {
  const nack = '{"type":"nack","id":"x","ts":1,"seq":1,"payload":{"code":"forbidden","message":"no"}}';
  const failure = { tabSeq: 1, error: errorData('forbidden', 'no') };

  /** A tab that has published entries 1 and 2, which were sent. */
  const published = async (arrange: (tab: FakeTab) => void = () => {}) => {
    const world = new World();
    const tab = new FakeTab(world, 'a');
    arrange(tab);
    const { hubId } = (await tab.attached()).status;
    world.welcome();
    tab.api.push(hubId, 'a', [publish(1), publish(2)]);
    await turn();
    return { world, tab, hubId, frame: (text: string) => world.sockets[0]!.events.frame(text) };
  };

  it('while its tab is away is told with the reply to the next attach', async () => {
    const { world, tab, hubId, frame } = await published();
    // Another tab keeps the connection.
    await new FakeTab(world, 'b').attached();
    tab.api.detach(hubId, 'a');
    frame(nack);
    await turn();
    const reply = await new FakeTab(world, 'a').attached();
    expect(reply).toMatchObject({ takenUpTo: 2, storedUpTo: 2, ackedUpTo: 1, failed: [failure] });
  });

  it('is told again to a tab that attaches again without having taken that', async () => {
    const { world, frame } = await published((tab) => (tab.takes = false));
    frame(nack);
    await turn();
    const after = new FakeTab(world, 'a');
    const reply = await after.attached();
    expect(reply).toMatchObject({ takenUpTo: 2, storedUpTo: 2, ackedUpTo: 1, failed: [failure] });
    // Once in the reply, and not in a batch besides.
    await turn();
    expect(after.items.filter(({ kind }) => kind === 'failed')).toEqual([]);
  });

  it('is never counted as acknowledged without being told as failed, whatever was told before', async () => {
    const { world, tab, frame } = await published();
    frame(nack);
    frame('{"type":"ack","id":"x","ts":1,"seq":2}');
    await turn();
    expect(tab.items).toContainEqual({ kind: 'failed', ...failure });
    for (let count = 1; count <= 2; count++) {
      const reply = await new FakeTab(world, 'a').attached();
      expect(reply).toMatchObject({ takenUpTo: 2, storedUpTo: 2, ackedUpTo: 2, failed: [failure] });
    }
    expect(await new FakeTab(world, 'b').attached()).toMatchObject({ takenUpTo: 0, failed: [] });
  });
});

describe('a batch that its tab fails to take', () => {
  it('does not stop those that follow, and is an error that can be seen', async () => {
    const world = new World();
    const tab = new FakeTab(world, 'a');
    const { hubId } = (await tab.attached()).status;
    world.welcome();
    await turn();
    const before = tab.numbers.length;
    tab.fails = new Error('a handler of the page');
    const errors: unknown[] = [];
    vi.stubGlobal('reportError', (error: unknown) => errors.push(error));
    const unhandled = await unhandledRejections(async () => {
      for (let count = 1; count <= 2 * coreLimits.batchesUnderWay; count++) {
        tab.api.push(hubId, 'a', [publish(count)]);
        await turn();
      }
    });
    vi.unstubAllGlobals();
    expect(unhandled).toEqual([]);
    const failures = tab.numbers.length - before;
    expect(failures).toBeGreaterThan(coreLimits.batchesUnderWay);
    expect(errors).toEqual(Array.from({ length: failures }, () => tab.fails));
    tab.fails = null;
    world.sockets[0]!.events.frame('{"type":"ack","id":"x","ts":1,"seq":4}');
    await turn();
    expect(tab.items.filter(({ kind }) => kind === 'acked')).toEqual([{ kind: 'acked', upTo: 4 }]);
    expect(tab.numbers).toEqual(tab.numbers.map((_, index) => index + 1));
  });

  it('changes nothing once the tab has gone', async () => {
    const world = new World();
    const tab = new FakeTab(world, 'a');
    tab.fails = new Error('its port is closed');
    const errors = await unhandledRejections(async () => {
      const { hubId } = (await tab.attached()).status;
      tab.api.detach(hubId, 'a');
    });
    expect(errors).toEqual([]);
    expect(await new FakeTab(world, 'a').attached()).toMatchObject({ status: { tabs: ['a'] } });
  });
});

describe('an error in the code of the hub', () => {
  const error = new Error('a mistake');
  const broken = async () => {
    const world = new World();
    const tabs = [new FakeTab(world, 'a'), new FakeTab(world, 'b')];
    for (const tab of tabs) await tab.attached();
    return { world, tabs };
  };

  it('is shown to all tabs, once', async () => {
    const { world, tabs } = await broken();
    world.host.trouble(error);
    world.host.trouble(error);
    expect(tabs.map(({ troubles }) => troubles)).toEqual([['a mistake'], ['a mistake']]);
  });

  it('is shown whatever was thrown, up to a bound', async () => {
    const { world, tabs } = await broken();
    for (const thrown of [null, 'text', 1]) world.host.trouble(thrown);
    for (let count = 0; count < workerLimits.troubles; count++) world.host.trouble(new Error('again'));
    expect(tabs[0]?.troubles.slice(0, 4)).toEqual(['null', 'text', '1', 'again']);
    expect(tabs[0]?.troubles).toHaveLength(workerLimits.troubles);
  });

  it('is shown where the machine throws, and thrown on', async () => {
    const { world, tabs } = await broken();
    const { api } = tabs[0]!;
    const unreadable = {
      get kind(): never {
        throw error;
      },
    };
    expect(() => api.push(world.host.hubId, 'a', [unreadable as never])).toThrow(error);
    expect(tabs[1]?.troubles).toEqual(['a mistake']);
    expect(api.push(world.host.hubId, 'a', [])).toBe('taken');
  });
});
