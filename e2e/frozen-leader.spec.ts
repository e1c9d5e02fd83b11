import type { Tab } from './harness/tab.ts';
import {
  acceptedIds,
  everyTab,
  expectArrivedOnce,
  expectNoLoss,
  findsAnotherHub,
  storesAll,
} from './harness/checks.ts';
import { leaderOf } from './harness/killer.ts';
import * as e2eLimits from './harness/limits.ts';
import { processOfPage, stopProcesses, type Engine } from './harness/processes.ts';
import { expect, test } from './harness/test.ts';

// A tab that runs the hub, and is stopped or put away with it.

const isLinux = process.platform === 'linux';
const onlyLinux = 'only Linux tells which process runs a tab';

/** When the tab had another hub, open, for the first time. */
const otherHubAt = (tab: Tab, hubId: string | null): Promise<number> =>
  tab.page.evaluate(
    (former) =>
      pageTab.statuses.find(({ status }) => status.state === 'open' && status.hubId !== former)?.at ?? NaN,
    hubId,
  );

const split = async (tabs: readonly Tab[]): Promise<[leader: Tab, others: Tab[]]> => {
  const leader = await leaderOf(tabs);
  return [leader, tabs.filter((tab) => tab !== leader)];
};

/** Begins a transaction on the hub's database that lasts until its process stops, and for 2 s at most. */
const keepWriting = async (): Promise<void> => {
  const { name } = (await indexedDB.databases()).find((database) => database.name?.startsWith('onesocket:'))!;
  const opening = indexedDB.open(name!);
  await new Promise((resolve) => (opening.onsuccess = resolve));
  const names = [...opening.result.objectStoreNames];
  const store = opening.result.transaction(names, 'readwrite').objectStore(names[0]!);
  const until = Date.now() + 2_000;
  const isWriting = new Promise<void>((resolve) => {
    const write = (): void => {
      if (Date.now() > until) return opening.result.close();
      store.count().onsuccess = () => {
        resolve();
        write();
      };
    };
    write();
  });
  await isWriting;
};

test.beforeEach(({ host }) => {
  test.skip(host === 'shared-worker', 'no tab runs a SharedWorker, and it is frozen with none');
});

/** Tabs of which the first runs the hub, and the process of that one alone. */
const processOfLeader = async (browserName: string, [leader, others]: [Tab, Tab[]]): Promise<number> => {
  const engine = browserName as Engine;
  const pid = await processOfPage(engine, leader.page);
  for (const tab of others) expect(await processOfPage(engine, tab.page)).not.toBe(pid);
  return pid;
};

test('a leader that is frozen is deposed within 6 s, and does no harm when it goes on', async ({
  backend,
  browserName,
  open,
}) => {
  test.skip(!isLinux, onlyLinux);
  const tabs = [await open(), await open(), await open()];
  for (const tab of tabs) await tab.subscribe('news');
  const { hubId } = await tabs[0]!.reaches('open');
  const [leader, others] = await split(tabs);
  // What the leader is about to send when it stops: its successor has it, too.
  backend.proxy.cut();
  await everyTab(tabs, (tab) => storesAll(tab, 'news', [...Array(50).keys()]));
  const pid = await processOfLeader(browserName, [leader, others]);
  const frozenAt = Date.now();
  {
    using _ = stopProcesses([pid]);
    backend.proxy.heal();
    await everyTab(others, (tab) => tab.publish('news', 'while frozen 1', 'while frozen 2'));
    await backend.publish('news', 'from the server');
    const found = await everyTab(others, (tab) => findsAnotherHub(tab, hubId));
    expect(new Set(found).size).toBe(1);
    for (const tab of others) {
      const afterMs = (await otherHubAt(tab, hubId)) - frozenAt;
      expect(afterMs).toBeGreaterThan(e2eLimits.stolenAfterMinMs - 100);
      expect(afterMs).toBeLessThan(e2eLimits.stolenAfterMaxMs + e2eLimits.slackMs);
    }
    await expectArrivedOnce(backend, others, 'news');
    await expectNoLoss(backend, others, 'news');
  }
  const { hubId: newHubId } = await others[0]!.status();
  expect(await findsAnotherHub(leader, hubId)).toBe(newHubId);
  await others[0]!.knowsTabs(3);
  await leader.publish('news', 'the zombie is one of them');
  await expectArrivedOnce(backend, tabs, 'news');
  await expectNoLoss(backend, tabs, 'news');
  for (const tab of tabs) expect((await tab.status()).hubId).toBe(newHubId);
  await expect.poll(async () => (await backend.record()).connections.now).toBe(1);
});

test('a leader that is frozen while it writes keeps the database: the others go on in memory until it has gone on', async ({
  backend,
  browserName,
  open,
}) => {
  test.skip(!isLinux, onlyLinux);
  const tabs = [await open(), await open(), await open()];
  for (const tab of tabs) await tab.subscribe('news');
  const { hubId } = await tabs[0]!.reaches('open');
  const [leader, others] = await split(tabs);
  const pid = await processOfLeader(browserName, [leader, others]);
  backend.proxy.cut();
  const kept = await storesAll(leader, 'news', [...Array(50).keys()]);
  await leader.page.evaluate(keepWriting);
  const frozenAt = Date.now();
  {
    using _ = stopProcesses([pid]);
    backend.proxy.heal();
    await everyTab(others, (tab) => tab.publish('news', 'while frozen 1', 'while frozen 2'));
    await everyTab(others, (tab) => findsAnotherHub(tab, hubId));
    for (const tab of others) {
      expect((await otherHubAt(tab, hubId)) - frozenAt).toBeLessThan(
        e2eLimits.stolenAfterMaxMs + e2eLimits.databaseMs + e2eLimits.slackMs,
      );
      expect((await tab.status()).durability).toBe('memory');
    }
    // Nobody can tell whether the frozen hub has stored what it was given last.
    const unsure = (await everyTab(others, (tab) => tab.fates())).flat();
    expect(unsure.filter(({ acked }) => acked !== 'ok' && acked !== 'hub-lost')).toEqual([]);
    await everyTab(others, async (tab) => {
      await tab.page.evaluate(() => void (pageTab.published.length = 0));
      await tab.publish('news', 'in memory');
    });
    await expectArrivedOnce(backend, others, 'news');
    await expectNoLoss(backend, others, 'news');
  }
  // What the database holds goes out as soon as it can be read, though its tab has asked a hub that did not know of it.
  await expect
    .poll(async () => (await acceptedIds(backend, 'news')).filter((id) => kept.includes(id)))
    .toEqual(kept);
  await expectArrivedOnce(backend, others, 'news');
  const arrived = await acceptedIds(backend, 'news');
  expect(arrived).toHaveLength(new Set(arrived).size);
  for (const tab of tabs) {
    await tab.page.evaluate(() =>
      pageTab.until(() => {
        const { state, durability } = pageTab.socket.status;
        return state === 'open' && durability === 'strict';
      }),
    );
  }
  await expectNoLoss(backend, tabs, 'news');
  await expect.poll(async () => (await backend.record()).connections.now).toBe(1);
});

test('a leader that is told of its freezing hands over at once, and comes back as one of the others', async ({
  backend,
  open,
}) => {
  const tabs = [await open(), await open(), await open()];
  for (const tab of tabs) await tab.subscribe('news');
  const { hubId } = await tabs[0]!.reaches('open');
  const [leader, others] = await split(tabs);
  await everyTab(tabs, (tab) => tab.publish('news', ...Array(100).keys()));
  const toldAt = await leader.page.evaluate(() => {
    document.dispatchEvent(new Event('freeze'));
    return Date.now();
  });
  await everyTab(others, (tab) => tab.publish('news', 'without it'));
  await everyTab(others, (tab) => findsAnotherHub(tab, hubId));
  // Without the theft of a lock.
  for (const tab of others)
    expect((await otherHubAt(tab, hubId)) - toldAt).toBeLessThan(e2eLimits.stolenAfterMinMs);
  expect((await leader.status()).state).toBe('connecting');

  await leader.page.evaluate(() => document.dispatchEvent(new Event('resume')));
  const newHubId = await findsAnotherHub(leader, hubId);
  expect(newHubId).toBe((await others[0]!.status()).hubId);
  await leader.publish('news', 'and with it again');
  await expectArrivedOnce(backend, tabs, 'news');
  await expectNoLoss(backend, tabs, 'news');
  await expect.poll(async () => (await backend.record()).connections.now).toBe(1);
});

test('a leader that the user leaves is replaced at once, and follows when the user goes back to it', async ({
  backend,
  can,
  site,
  open,
}) => {
  const tabs = [await open(), await open(), await open()];
  for (const tab of tabs) await tab.subscribe('news');
  const { hubId } = await tabs[0]!.reaches('open');
  const [leader, others] = await split(tabs);
  await leader.page.evaluate(() =>
    addEventListener('pageshow', ({ persisted }) => Object.assign(globalThis, { persisted })),
  );
  const stopFlow = await backend.startFlow('news');
  for (const tab of tabs) await tab.receives('news', 50);

  const leftAt = Date.now();
  await leader.page.goto(`${site.origin}/elsewhere`);
  const found = await everyTab(others, (tab) => findsAnotherHub(tab, hubId));
  expect(new Set(found).size).toBe(1);
  for (const tab of others)
    expect((await otherHubAt(tab, hubId)) - leftAt).toBeLessThan(e2eLimits.stolenAfterMinMs);
  // Messages flow while the page is away: one of them to it, and it would not come back.
  const seen = (await others[0]!.lines('news')).length;
  await others[0]!.receives('news', seen + 500);

  await leader.page.goBack({ waitUntil: can.backForwardCache ? 'commit' : 'load' });
  expect(await leader.page.evaluate(() => 'persisted' in globalThis && 'socket' in pageTab)).toBe(
    can.backForwardCache,
  );
  if (!can.backForwardCache) {
    await leader.connect();
    await leader.subscribe('news');
  }
  expect(await findsAnotherHub(leader, hubId)).toBe(found[0]);
  await others[0]!.knowsTabs(3);
  await stopFlow();
  await expectNoLoss(backend, can.backForwardCache ? tabs : others, 'news');
  await leader.publish('news', 'from the page that came back');
  expect((await leader.fates()).map(({ acked }) => acked)).toEqual(['ok']);
  await expect.poll(async () => (await backend.record()).connections.now).toBe(1);
});
