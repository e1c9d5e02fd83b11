import { acceptedIds, everyTab, expectNoLoss, findsAnotherHub, storesAll } from './harness/checks.ts';
import { sharedWorkersOf } from './harness/shared-workers.ts';
import type { Tab } from './harness/tab.ts';
import { expect, test } from './harness/test.ts';

const numbers = (from: number, count: number): number[] => Array.from({ length: count }, (_, n) => from + n);

/** Settles once the tab waits for a hub of its own version. */
const waitsForAnother = (tab: Tab): Promise<void> =>
  tab.page.evaluate(() =>
    pageTab.until(() => {
      const { state, lastError } = pageTab.socket.status;
      return state === 'connecting' && lastError?.code === 'unsupported-version';
    }),
  );

test('two deploys at once share one connection, and the second takes over from the last tab of the first', async ({
  backend,
  browser,
  can,
  open,
}) => {
  const [first, second] = [await open(), await open({ build: 'next' })];
  const tabs = [first, second];
  for (const tab of tabs) await tab.subscribe('news');
  const { hubId } = await first.reaches('open');
  expect((await second.reaches('open')).hubId).toBe(hubId);
  await everyTab(tabs, (tab) => tab.publish('news', ...numbers(1, 50)));
  for (const tab of tabs) await tab.receives('news', 100);
  await expectNoLoss(backend, tabs, 'news');
  expect((await backend.record()).connections).toEqual({ now: 1, ever: 1 });

  // What the first stores now is for the second one's hub to send.
  backend.proxy.cut();
  await first.leaves('open');
  const kept = await storesAll(first, 'news', numbers(51, 20));
  await second.publish('news', ...numbers(51, 10));
  const closing = first.page.close();
  await second.publish('news', ...numbers(61, 10));
  await closing;
  await backend.publish('news', 'while nobody is connected');
  backend.proxy.heal();

  // Where a worker lives on for minutes without a tab of its own, that is no reason to change.
  if (can.lingers) expect((await second.reaches('open')).hubId).toBe(hubId);
  else await findsAnotherHub(second, hubId);
  const own = await second.fates();
  expect(new Set(own.map(({ acked }) => acked))).toEqual(new Set(['ok']));
  await expect
    .poll(async () => (await acceptedIds(backend, 'news')).filter((id) => kept.includes(id)))
    .toEqual(kept);
  const ids = own.map(({ id }) => id);
  expect((await acceptedIds(backend, 'news')).filter((id) => ids.includes(id))).toEqual(ids);
  await expectNoLoss(backend, [second], 'news');
  if (can.lingers) {
    await (await sharedWorkersOf(browser)).kill('/dist/');
    await findsAnotherHub(second, hubId);
    await expectNoLoss(backend, [second], 'news');
  }
  await expect.poll(async () => (await backend.record()).connections.now).toBe(1);
});

test('newer tabs wait until the last older one has closed, and send what both have stored', async ({
  backend,
  open,
}) => {
  const older = await open();
  await older.subscribe('news');
  const { hubId } = await older.reaches('open');
  const newer = await open({ build: 'newer' });
  await waitsForAnother(newer);
  await older.page.evaluate(() => pageTab.until(() => pageTab.socket.status.isOutdated));
  await newer.publish('news', 'new 1', 'new 2');

  backend.proxy.cut();
  await older.leaves('open');
  const kept = await storesAll(older, 'news', ['old 1', 'old 2']);
  expect(
    await newer.page.evaluate(() => pageTab.published.map(({ stored, acked }) => [stored, acked])),
  ).toEqual(Array(2).fill(['pending', 'pending']));
  await older.page.close();
  backend.proxy.heal();

  await findsAnotherHub(newer, hubId);
  const own = await newer.fates();
  expect(own.map(({ stored, acked }) => [stored, acked])).toEqual(Array(2).fill(['ok', 'ok']));
  // In the order in which they came into the outbox.
  await expect.poll(() => acceptedIds(backend, 'news')).toEqual([...kept, ...own.map(({ id }) => id)]);
  expect(await newer.status()).toMatchObject({ state: 'open', isOutdated: false });
  await expect.poll(async () => (await backend.record()).connections.now).toBe(1);
});

test('an older tab that comes while a newer hub runs waits, and disturbs nobody', async ({
  backend,
  open,
}) => {
  const newer = await open({ build: 'newer' });
  await newer.subscribe('news');
  const { hubId } = await newer.reaches('open');
  const older = await open();
  await waitsForAnother(older);
  await older.publish('news', 'kept for later');
  await newer.publish('news', 'now');
  expect((await newer.fates()).map(({ acked }) => acked)).toEqual(['ok']);
  expect(await newer.status()).toMatchObject({
    hubId,
    signalsDropped: 0,
    isOutdated: false,
    tabs: [(await newer.status()).tabId],
  });
  expect((await backend.record()).connections).toEqual({ now: 1, ever: 1 });

  await newer.page.close();
  await findsAnotherHub(older, hubId);
  expect((await older.fates()).map(({ stored, acked }) => [stored, acked])).toEqual([['ok', 'ok']]);
  await expect.poll(async () => (await backend.record()).connections.now).toBe(1);
});
