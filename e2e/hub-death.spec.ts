import type { Backend } from './harness/backend.ts';
import { sharedWorkersOf } from './harness/shared-workers.ts';
import type { Tab } from './harness/tab.ts';
import { expect, test } from './harness/test.ts';

const everyTab = <T>(tabs: readonly Tab[], act: (tab: Tab) => Promise<T>): Promise<T[]> =>
  Promise.all(tabs.map(act));

/** Settles once the tab is connected through another hub than the one with this id; gives the new one's id. */
const findsAnotherHub = (tab: Tab, hubId: string | null): Promise<string | null> =>
  tab.page.evaluate(async (dead) => {
    const { socket } = pageTab;
    await pageTab.until(() => socket.status.state === 'open' && socket.status.hubId !== dead);
    return socket.status.hubId;
  }, hubId);

/** All tabs have seen everything that the server accepted in a topic, once and in that order, and told no gap. */
const expectNoLoss = async (backend: Backend, tabs: readonly Tab[], topic: string): Promise<void> => {
  await backend.publish(topic, 'end');
  for (const tab of tabs) await tab.receivesPayload(topic, 'end');
  const accepted = await backend.lines(topic);
  for (const tab of tabs) {
    expect(await tab.gaps(topic)).toEqual([]);
    expect(await tab.lines(topic)).toEqual(accepted);
  }
};

/** Everything that the tabs published is at the server, once, and in the order in which each of them published it. */
const expectArrivedOnce = async (backend: Backend, tabs: readonly Tab[], topic: string): Promise<void> => {
  const fates = await everyTab(tabs, (tab) => tab.fates());
  const arrived = (await backend.lines(topic)).map((line) => line.split(' ')[1]!);
  for (const own of fates) {
    expect(new Set(own.flatMap(({ stored, acked }) => [stored, acked]))).toEqual(new Set(['ok']));
    const ids = own.map(({ id }) => id);
    expect(arrived.filter((id) => ids.includes(id))).toEqual(ids);
  }
};

test('a killed worker is replaced again and again: nothing is lost, doubled or out of order', async ({
  backend,
  browser,
  open,
}) => {
  const workers = await sharedWorkersOf(browser);
  const tabs = [await open(), await open(), await open()];
  for (const tab of tabs) await tab.subscribe('news');
  const stopFlow = await backend.startFlow('news');
  let { hubId } = await tabs[0]!.reaches('open');

  for (let round = 1; round <= 3; round += 1) {
    await everyTab(tabs, async (tab) => tab.receives('news', (await tab.lines('news')).length + 50));
    // Some of these are with the worker when it dies, some come after it.
    const publishing = everyTab(tabs, (tab) =>
      tab.page.evaluate(async (number) => {
        for (let n = 0; n < 60; n += 1) {
          pageTab.publish('news', { round: number, n });
          if (n % 10 === 0) await new Promise((resolve) => setTimeout(resolve));
        }
      }, round),
    );
    await workers.kill();
    await publishing;
    const found = await everyTab(tabs, (tab) => findsAnotherHub(tab, hubId));
    expect(new Set(found).size).toBe(1);
    hubId = found[0]!;
    expect(await workers.names()).toHaveLength(1);
  }
  await stopFlow();
  await expectArrivedOnce(backend, tabs, 'news');
  await expectNoLoss(backend, tabs, 'news');
  await expect.poll(async () => (await backend.record()).connections.now).toBe(1);
});

test('a tab that only listens knows of the death within a moment, and goes on without a hole', async ({
  backend,
  browser,
  open,
}) => {
  const workers = await sharedWorkersOf(browser);
  const tab = await open();
  await tab.subscribe('news');
  await backend.publish('news', 'a', 'b');
  await tab.receivesPayload('news', 'b');
  const { hubId } = await tab.status();

  const killedAt = await workers.kill();
  await backend.publish('news', 'while there was no hub');
  await findsAnotherHub(tab, hubId);
  const knownAt = await tab.page.evaluate(
    (since) =>
      pageTab.statuses.find(({ at, status }) => at >= since && status.state === 'connecting')?.at ?? Infinity,
    killedAt,
  );
  // Far under every deadline of a call: it was the lock that told.
  expect(knownAt - killedAt).toBeLessThan(1_000);
  await expectNoLoss(backend, [tab], 'news');
});

test('requests that were under way are lost at once, and new ones are answered by the next hub', async ({
  backend,
  browser,
  open,
}) => {
  const workers = await sharedWorkersOf(browser);
  const [first, second] = [await open(), await open()];
  await everyTab([first, second], (tab) => tab.reaches('open'));
  const outcomes = everyTab([first, second], (tab) =>
    tab.page.evaluate(async () => {
      const outcome = await pageTab.outcome(pageTab.socket.request('hang', null, { timeoutMs: 60_000 }));
      return [outcome, pageTab.socket.status.state];
    }),
  );
  await expect
    .poll(async () => (await backend.record()).requests.filter(({ moment }) => moment === 'started').length)
    .toBe(2);

  await workers.kill();
  expect(await outcomes).toEqual(Array(2).fill(['hub-lost', 'connecting']));
  const answers = await everyTab([first, second], (tab) =>
    tab.page.evaluate(() => pageTab.socket.request('echo', 'and again')),
  );
  expect(answers).toEqual(['and again', 'and again']);
});

test('the crash of the tab whose process ran the worker stops no other tab', async ({ backend, open }) => {
  // The SharedWorker lives in the process of the tab that opened first.
  const [victim, ...others] = [await open(), await open(), await open()];
  for (const tab of [victim, ...others]) await tab.subscribe('news');
  const { hubId } = await victim.reaches('open');
  await everyTab(others, (tab) => tab.publish('news', 'before', 'the crash'));
  for (const tab of [victim, ...others]) await tab.receives('news', 4);

  const crashed = victim.page.waitForEvent('crash');
  const devtools = await victim.devtools();
  // The answer never comes: the process that would give it is gone.
  void devtools.send('Page.crash').catch(() => {});
  await crashed;
  await everyTab(others, (tab) => tab.publish('news', 'after', 'it'));
  await everyTab(others, (tab) => findsAnotherHub(tab, hubId));
  await everyTab(others, (tab) => tab.knowsTabs(2));
  await expectArrivedOnce(backend, others, 'news');
  await expectNoLoss(backend, others, 'news');
});

test('what was stored while there was no connection outlives the worker, and any tab can follow it', async ({
  backend,
  browser,
  open,
}) => {
  const workers = await sharedWorkersOf(browser);
  const [author, other] = [await open(), await open()];
  await author.reaches('open');
  backend.proxy.cut();
  await author.leaves('open');
  const [kept, next] = await author.page.evaluate(async () => {
    const deliveries = ['kept', 'next'].map((text) => pageTab.socket.publish('news', text));
    await Promise.all(deliveries.map(({ stored }) => stored));
    return deliveries.map(({ id }) => id);
  });
  const { hubId, durability } = await author.status();
  expect(durability).toBe('strict');

  await workers.kill();
  await other.page.evaluate(async (dead) => {
    await pageTab.until(
      () => pageTab.socket.status.hubId !== dead && pageTab.socket.status.state !== 'connecting',
    );
  }, hubId);
  const seen = await other.page.evaluate(async () => {
    const entries = await pageTab.socket.outbox.entries();
    return entries.map(({ id, topic, payload }) => ({ id, topic, payload }));
  });
  expect(seen).toEqual([
    { id: kept, topic: 'news', payload: 'kept' },
    { id: next, topic: 'news', payload: 'next' },
  ]);
  const followed = other.page.evaluate(
    (id) => pageTab.outcome(pageTab.socket.outbox.delivery(id!).acked),
    kept,
  );
  backend.proxy.heal();
  expect(await followed).toBe('ok');
  await expect
    .poll(async () => (await backend.lines('news')).map((line) => line.split(' ')[1]))
    .toEqual([kept, next]);
});
