import type { Backend } from '../harness/backend.ts';
import { expect, test, type WebKitTab } from './test.ts';

const everyTab = <T>(tabs: readonly WebKitTab[], act: (tab: WebKitTab) => Promise<T>): Promise<T[]> =>
  Promise.all(tabs.map(act));

/** All tabs have seen everything that the server accepted in a topic, once and in that order, and told no gap. */
const expectNoLoss = async (backend: Backend, tabs: readonly WebKitTab[], topic: string): Promise<void> => {
  await backend.publish(topic, 'end');
  for (const tab of tabs) await tab.receivesPayload(topic, 'end');
  const accepted = await backend.lines(topic);
  for (const tab of tabs) {
    expect(await tab.lines(topic)).toEqual(accepted);
    expect(await tab.gaps(topic)).toEqual([]);
  }
};

/** Everything that the tabs published is at the server, once, and in the order in which each of them published it. */
const expectArrivedOnce = async (backend: Backend, tabs: readonly WebKitTab[]): Promise<void> => {
  const fates = await everyTab(tabs, (tab) => tab.fates());
  const arrived = (await backend.lines('news')).map((line) => line.split(' ')[1]!);
  for (const own of fates) {
    expect(new Set(own.flatMap(({ stored, acked }) => [stored, acked]))).toEqual(new Set(['ok']));
    const ids = own.map(({ id }) => id);
    expect(arrived.filter((id) => ids.includes(id))).toEqual(ids);
  }
};

const findsAnotherHub = (tab: WebKitTab, hubId: string | null): Promise<string | null> =>
  tab.page.evaluate(async (dead) => {
    const { socket } = pageTab;
    await pageTab.until(() => socket.status.state === 'open' && socket.status.hubId !== dead);
    return socket.status.hubId;
  }, hubId);

const connections = async (backend: Backend): Promise<object> => (await backend.record()).connections;

test.describe.configure({ timeout: 60_000 });

test('four tabs share one connection and see the same messages in the same order', async ({
  backend,
  host,
  open,
}) => {
  const tabs = [await open(), await open(), await open(), await open()];
  for (const tab of tabs) await tab.subscribe(['alpha', 'beta']);
  await Promise.all([
    ...tabs.map((tab, author) =>
      tab.page.evaluate((from) => {
        for (let n = 0; n < 60; n += 1) {
          const isBinary = n % 5 === 0;
          const payload = isBinary ? new Uint8Array([from, n, 0, 255]).buffer : { from, n, text: 'ü€😀' };
          pageTab.publish(n % 2 === 0 ? 'alpha' : 'beta', payload);
        }
      }, author),
    ),
    backend.publish('alpha', ...Array(20).keys()),
  ]);
  for (const topic of ['alpha', 'beta']) {
    for (const tab of tabs) await tab.receives(topic, 4 * 30);
    await expectNoLoss(backend, tabs, topic);
  }
  const statuses = await everyTab(tabs, (tab) => tab.knowsTabs(4));
  expect(new Set(statuses.map(({ hubId }) => hubId)).size).toBe(1);
  expect(statuses.map((status) => status.host)).toEqual(Array(4).fill(host));
  expect(await connections(backend)).toEqual({ now: 1, ever: 1 });
});

test('a tab that closes is forgotten, with its subscriptions', async ({ backend, open }) => {
  const [first, second] = [await open(), await open()];
  for (const tab of [first, second]) await tab.subscribe('news');
  await second.subscribe('own');
  await second.page.close();
  await first.knowsTabs(1);
  await expect.poll(async () => (await backend.record()).topics).toEqual(['news']);
  await expectNoLoss(backend, [first], 'news');
  expect(await connections(backend)).toEqual({ now: 1, ever: 1 });
});

test('closing the tab that opened first loses nothing for the others', async ({ backend, open }) => {
  const [first, ...others] = [await open(), await open(), await open()];
  for (const tab of [first, ...others]) await tab.subscribe('news');
  const stopFlow = await backend.startFlow('news');
  await others[0]!.receives('news', 50);
  await first.page.close();
  await everyTab(others, (tab) => tab.publish('news', 'while', 'it closes'));
  for (const tab of others) {
    await tab.knowsTabs(2);
    const seen = (await tab.lines('news')).length;
    await tab.receives('news', seen + 100);
  }
  await stopFlow();
  await expectArrivedOnce(backend, others);
  await expectNoLoss(backend, others, 'news');
  await expect.poll(async () => (await backend.record()).connections.now).toBe(1);
});

test('a tab whose process is killed is forgotten, and the others go on', async ({ backend, kill, open }) => {
  const [first, second, victim] = [await open(), await open(), await open()];
  for (const tab of [first, second, victim]) await tab.subscribe('news');
  const { hubId } = await first.status();
  await kill.tab(victim);
  for (const tab of [first, second]) expect((await tab.knowsTabs(2)).hubId).toBe(hubId);
  await expectNoLoss(backend, [first, second], 'news');
  expect(await connections(backend)).toEqual({ now: 1, ever: 1 });
});

test('a hub whose process is killed is replaced: nothing is lost, doubled or out of order', async ({
  backend,
  kill,
  open,
}) => {
  const tabs = [await open(), await open(), await open(), await open()];
  for (const tab of tabs) await tab.subscribe('news');
  let { hubId } = await tabs[0]!.reaches('open');
  const stopFlow = await backend.startFlow('news');
  let left = tabs;
  for (let round = 1; round <= 2; round += 1) {
    await everyTab(left, (tab) => tab.publish('news', `before ${round}`, 'and on'));
    left = (await kill.hub(left)).left;
    await everyTab(left, (tab) => tab.publish('news', `after ${round}`, 'and on'));
    const found = await everyTab(left, (tab) => findsAnotherHub(tab, hubId));
    expect(new Set(found).size).toBe(1);
    hubId = found[0]!;
    await everyTab(left, (tab) => tab.knowsTabs(left.length));
  }
  await stopFlow();
  await expectArrivedOnce(backend, left);
  await expectNoLoss(backend, left, 'news');
  await expect.poll(async () => (await backend.record()).connections.now).toBe(1);
});

test('a cut connection is resumed without a message missed or doubled', async ({ backend, open }) => {
  const tabs = [await open(), await open()];
  for (const tab of tabs) await tab.subscribe('news');
  const stopFlow = await backend.startFlow('news');
  await tabs[1]!.receives('news', 50);
  backend.proxy.cut();
  await everyTab(tabs, (tab) => tab.leaves('open'));
  await everyTab(tabs, (tab) => tab.publish('news', 'while cut', 'and on'));
  backend.proxy.heal();
  await everyTab(tabs, (tab) => tab.reaches('open'));
  await stopFlow();
  await expectArrivedOnce(backend, tabs);
  await expectNoLoss(backend, tabs, 'news');
  expect(await connections(backend)).toEqual({ now: 1, ever: 2 });
});

test('a server that was killed and lost its history is told to every tab as a gap', async ({
  backend,
  open,
}) => {
  const tabs = [await open(), await open()];
  for (const tab of tabs) await tab.subscribe('news');
  await backend.publish('news', 'before');
  await everyTab(tabs, (tab) => tab.receivesPayload('news', 'before'));
  await backend.process.kill('SIGKILL');
  await everyTab(tabs, (tab) => tab.leaves('open'));
  await everyTab(tabs, (tab) => tab.publish('news', 'queued'));
  await backend.process.start();
  await everyTab(tabs, (tab) => tab.reaches('open'));
  await expectArrivedOnce(backend, tabs);
  await backend.publish('news', 'live');
  for (const tab of tabs) {
    await tab.receivesPayload('news', 'live');
    expect((await tab.gaps('news')).map(({ text }) => text)).toEqual(['epoch']);
    expect((await tab.lines('news')).slice(1)).toEqual(await backend.lines('news'));
  }
  expect(await connections(backend)).toEqual({ now: 1, ever: 1 });
});

test('what was stored while there was no connection outlives a reload of the only tab', async ({
  backend,
  open,
}) => {
  const tab = await open();
  await tab.reaches('open');
  backend.proxy.cut();
  await tab.leaves('open');
  const ids = await tab.page.evaluate(async () => {
    const deliveries = ['kept', 'next'].map((text) => pageTab.socket.publish('news', text));
    await Promise.all(deliveries.map(({ stored }) => stored));
    return deliveries.map(({ id }) => id);
  });
  await tab.page.reload();
  await tab.connect();
  await tab.page.evaluate(() => pageTab.until(() => pageTab.socket.status.hubId !== null));
  const waiting = await tab.page.evaluate(async () =>
    (await pageTab.socket.outbox.entries()).map(({ id }) => id),
  );
  expect(waiting).toEqual(ids);
  backend.proxy.heal();
  await tab.reaches('open');
  const arrived = async () => (await backend.lines('news')).map((line) => line.split(' ')[1]);
  await expect.poll(arrived).toEqual(ids);
});

test('a request is answered in the tab that asked', async ({ open }) => {
  const tabs = [await open(), await open()];
  const answers = await everyTab(tabs, (tab) =>
    tab.page.evaluate((from) => pageTab.socket.request('echo', { from }), tabs.indexOf(tab)),
  );
  expect(answers).toEqual([{ from: 0 }, { from: 1 }]);
});
