import type { Backend } from './harness/backend.ts';
import type { Tab } from './harness/tab.ts';
import { expect, longHistory, quickBackoff, test } from './harness/test.ts';

// The flow puts a thousand messages a second into each topic: no machine may be too slow for the history of a cut.
test.use({ settings: longHistory });

/** All tabs have seen everything that the server accepted in a topic, in that order, and told no gap. */
const expectNoLoss = async (backend: Backend, tabs: readonly Tab[], topic: string): Promise<void> => {
  await backend.publish(topic, 'end');
  for (const tab of tabs) await tab.receivesPayload(topic, 'end');
  const accepted = await backend.lines(topic);
  for (const tab of tabs) {
    expect(await tab.gaps(topic)).toEqual([]);
    expect(await tab.lines(topic)).toEqual(accepted);
  }
};

const everyTab = <T>(tabs: readonly Tab[], act: (tab: Tab) => Promise<T>): Promise<T[]> =>
  Promise.all(tabs.map(act));

test('a cut connection is resumed without a message missed or doubled', async ({ backend, open }) => {
  const topics = ['alpha', 'beta'];
  const tabs = [await open(), await open(), await open()];
  for (const tab of tabs) await tab.subscribe(topics);
  const stopFlow = await backend.startFlow(...topics);

  const cuts = 3;
  for (let cut = 1; cut <= cuts; cut += 1) {
    await everyTab(tabs, async (tab) => tab.receives('alpha', (await tab.lines('alpha')).length + 50));
    // Some of these are under way when the connection breaks, and some come after it.
    const publishing = everyTab(tabs, (tab) =>
      tab.page.evaluate(
        ([round, author]) => {
          for (let n = 0; n < 40; n += 1) pageTab.publish('alpha', { round, author, n });
        },
        [cut, tabs.indexOf(tab)] as const,
      ),
    );
    backend.proxy.cut();
    await publishing;
    await everyTab(tabs, (tab) => tab.leaves('open'));
    await everyTab(tabs, (tab) => tab.publish('beta', `while cut ${cut}`, 'and again'));
    backend.proxy.heal();
    await everyTab(tabs, (tab) => tab.reaches('open'));
  }
  await stopFlow();

  const fates = (await everyTab(tabs, (tab) => tab.fates())).flat();
  expect(new Set(fates.map(({ acked }) => acked))).toEqual(new Set(['ok']));
  for (const topic of topics) await expectNoLoss(backend, tabs, topic);

  // Each publish arrived once, and those of one tab in the order of their calls.
  const arrived = (await Promise.all(topics.map((topic) => backend.lines(topic)))).flat();
  for (const [author, tab] of tabs.entries()) {
    const ids = (await tab.fates()).map(({ id }) => id);
    const arrivedIds = arrived.map((line) => line.split(' ')[1]!).filter((id) => ids.includes(id));
    expect(arrivedIds.toSorted()).toEqual(ids.toSorted());
    const own = (await backend.lines('alpha')).flatMap((line) => {
      const payload = JSON.parse(line.split(' ').slice(2).join(' '));
      return payload.author === author ? [payload.round * 1_000 + payload.n] : [];
    });
    expect(own).toEqual(own.toSorted((a, b) => a - b));
    expect(own).toHaveLength(cuts * 40);
  }
  expect((await backend.record()).connections).toEqual({ now: 1, ever: 1 + cuts });
});

test('a killed server that comes back without its history is told to every tab as a gap', async ({
  backend,
  open,
}) => {
  const tabs = [await open(), await open(), await open()];
  for (const tab of tabs) await tab.subscribe('news');
  await backend.publish('news', 'a', 'b', 'c');
  await everyTab(tabs, (tab) => tab.receives('news', 3));
  const [epochBefore] = (await tabs[0]!.seen('news')).map(({ epoch }) => epoch);

  await backend.process.kill('SIGKILL');
  await everyTab(tabs, (tab) => tab.leaves('open'));
  await everyTab(tabs, (tab) => tab.publish('news', `queued 1`, 'queued 2'));
  await backend.process.start();
  await everyTab(tabs, (tab) => tab.reaches('open'));
  const fates = (await everyTab(tabs, (tab) => tab.fates())).flat();
  expect(fates.map(({ acked }) => acked)).toEqual(Array(6).fill('ok'));
  await backend.publish('news', 'live');

  await everyTab(tabs, (tab) => tab.receivesPayload('news', 'live'));
  const accepted = await backend.lines('news');
  expect(accepted).toHaveLength(7);
  for (const tab of tabs) {
    const seen = await tab.seen('news');
    expect(seen.slice(0, 3).map(({ kind, epoch }) => [kind, epoch])).toEqual(
      Array(3).fill(['message', epochBefore]),
    );
    const [gap, ...rest] = seen.slice(3);
    expect(gap).toMatchObject({ kind: 'gap', text: 'epoch', offset: 0 });
    expect(gap!.epoch).not.toBe(epochBefore);
    expect(rest.map(({ text }) => text)).toEqual(accepted);
    expect(new Set(rest.map(({ epoch }) => epoch))).toEqual(new Set([gap!.epoch]));
  }
  expect((await backend.record()).connections).toEqual({ now: 1, ever: 1 });
});

test.describe('with a short heartbeat', () => {
  const options = { heartbeat: { intervalMs: 200, timeoutMs: 200 }, backoff: quickBackoff };

  test('a server that is frozen is noticed by its silence, and found again when it goes on', async ({
    backend,
    open,
  }) => {
    const tabs = [await open({ options }), await open({ options })];
    for (const tab of tabs) await tab.subscribe('news');
    await backend.publish('news', 'before');
    await everyTab(tabs, (tab) => tab.receivesPayload('news', 'before'));

    backend.process.stop();
    for (const status of await everyTab(tabs, (tab) => tab.leaves('open'))) {
      expect(status.lastError).toMatchObject({ code: 'disconnected', detail: '4411', retryable: true });
    }
    await tabs[0]!.publish('news', 'while frozen');
    backend.process.cont();

    await everyTab(tabs, (tab) => tab.reaches('open'));
    expect((await tabs[0]!.fates()).map(({ acked }) => acked)).toEqual(['ok']);
    await expectNoLoss(backend, tabs, 'news');
    await expect.poll(async () => (await backend.record()).connections.now).toBe(1);
  });

  test('a path that swallows everything is noticed by its silence, and healed without a loss', async ({
    backend,
    open,
  }) => {
    const tabs = [await open({ options }), await open({ options })];
    for (const tab of tabs) await tab.subscribe('news');
    await backend.publish('news', 'before');

    backend.proxy.stall();
    await backend.publish('news', 'swallowed');
    await tabs[0]!.publish('news', 'swallowed too');
    for (const status of await everyTab(tabs, (tab) => tab.leaves('open'))) {
      expect(status.lastError).toMatchObject({ code: 'disconnected', detail: '4411' });
    }
    await tabs[1]!.publish('news', 'while stalled');
    backend.proxy.heal();

    await everyTab(tabs, (tab) => tab.reaches('open'));
    for (const tab of tabs) expect((await tab.fates()).map(({ acked }) => acked)).toEqual(['ok']);
    await expectNoLoss(backend, tabs, 'news');
    const accepted = await backend.lines('news');
    for (const text of ['swallowed too', 'while stalled']) {
      expect(accepted.filter((line) => line.endsWith(` "${text}"`))).toHaveLength(1);
    }
    await expect.poll(async () => (await backend.record()).connections.now).toBe(1);
  });
});

test('a server that closes in peace says so, and everything goes on when it is back', async ({
  backend,
  open,
}) => {
  const tabs = [await open(), await open()];
  for (const tab of tabs) await tab.subscribe('news');
  const published = everyTab(tabs, (tab) => tab.publish('news', 1, 2, 3, 4, 5));
  const requested = tabs[0]!.page.evaluate(() => pageTab.outcome(pageTab.socket.request('echo', 1)));
  await published;
  await requested;

  await backend.process.kill('SIGTERM');
  await everyTab(tabs, (tab) => tab.leaves('open'));
  const toldReasons = await everyTab(tabs, (tab) =>
    tab.page.evaluate(() => pageTab.statuses.map(({ status }) => status.lastError?.message)),
  );
  for (const reasons of toldReasons) expect(reasons).toContain('the server goes away');
  await everyTab(tabs, (tab) => tab.publish('news', 'meanwhile'));
  await backend.process.start();
  await everyTab(tabs, (tab) => tab.page.evaluate(() => pageTab.socket.reconnect()));

  expect((await everyTab(tabs, (tab) => tab.fates())).flat().map(({ acked }) => acked)).toEqual(
    Array(12).fill('ok'),
  );
  await everyTab(tabs, (tab) => tab.reaches('open'));
  await backend.publish('news', 'live');
  for (const tab of tabs) {
    await tab.receivesPayload('news', 'live');
    expect((await tab.gaps('news')).map(({ text }) => text)).toEqual(['epoch']);
    // With what the server had not acknowledged before it went.
    const accepted = await backend.lines('news');
    expect((await tab.lines('news')).slice(-accepted.length)).toEqual(accepted);
  }
});
