import { everyTab, expectArrivedOnce, expectNoLoss, findsAnotherHub } from './harness/checks.ts';
import { steeredWorker } from './harness/site.ts';
import { openPage, Tab } from './harness/tab.ts';
import { expect, test } from './harness/test.ts';

const tellWorker = (tab: Tab, word: string): Promise<void> =>
  tab.page.evaluate((message) => {
    const channel = new BroadcastChannel('steer');
    channel.postMessage(message);
    channel.close();
  }, word);

test.beforeEach(({ host }) => {
  test.skip(host === 'page', 'a page is no worker: it does not close itself, and shows its errors anyway');
});

test('a hub whose worker closes itself is replaced, and nothing is lost', async ({ backend, site, open }) => {
  const worker = `${site.origin}${steeredWorker}`;
  const tabs = [await open({ options: { worker } }), await open({ options: { worker } })];
  for (const tab of tabs) await tab.subscribe('news');
  let { hubId } = await tabs[0]!.reaches('open');
  for (let round = 1; round <= 3; round += 1) {
    await everyTab(tabs, (tab) => tab.publish('news', ...Array(100).keys()));
    await tellWorker(tabs[0]!, 'close');
    await everyTab(tabs, (tab) => tab.publish('news', `after ${round}`));
    const found = await everyTab(tabs, (tab) => findsAnotherHub(tab, hubId));
    expect(new Set(found).size).toBe(1);
    hubId = found[0]!;
  }
  await expectArrivedOnce(backend, tabs, 'news');
  await expectNoLoss(backend, tabs, 'news');
  await expect.poll(async () => (await backend.record()).connections.now).toBe(1);
});

test('an uncaught error in the worker is shown in every tab with its stack, and the hub goes on', async ({
  backend,
  context,
  site,
  specOf,
}) => {
  const worker = `${site.origin}${steeredWorker}`;
  const tabs: Tab[] = [];
  for (let count = 0; count < 3; count += 1) {
    const tab = new Tab(await openPage(context, `${site.origin}/`), specOf({ options: { worker } }));
    await tab.page.evaluate(() => {
      const errors: string[] = [];
      Object.assign(globalThis, { errors });
      addEventListener('error', ({ error }) => {
        errors.push(`${error.message}\n${error.stack}`);
        pageTab.changed();
      });
    });
    await tab.connect();
    await tab.subscribe('news');
    tabs.push(tab);
  }
  const { hubId } = await tabs[0]!.knowsTabs(3);
  await tellWorker(tabs[1]!, 'a mistake of ours');
  for (const tab of tabs) {
    const errors = await tab.page.evaluate(async () => {
      const { errors: seen } = globalThis as unknown as { errors: string[] };
      await pageTab.until(() => seen.length > 0);
      return seen;
    });
    expect(errors).toHaveLength(1);
    expect(errors[0]).toContain('a mistake of ours');
    // Of the worker's script, not of the page's.
    expect(errors[0]).toContain(steeredWorker);
  }
  await everyTab(tabs, (tab) => tab.publish('news', 'and on'));
  await expectArrivedOnce(backend, tabs, 'news');
  for (const tab of tabs) expect((await tab.status()).hubId).toBe(hubId);
});
