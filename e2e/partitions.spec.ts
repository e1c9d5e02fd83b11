import { anyHost } from './harness/capabilities.ts';
import type { Frame, Page } from '@playwright/test';
import { expectNoLoss, storesAll } from './harness/checks.ts';
import { openPage, Tab } from './harness/tab.ts';
import { expect, test } from './harness/test.ts';

test('two names side by side have a connection and an outbox each, and nothing crosses', async ({
  backend,
  open,
}) => {
  const named = (name: string) => open({ options: { name } });
  const [a1, a2, b1, b2] = [await named('a'), await named('a'), await named('b'), await named('b')];
  for (const tab of [a1, a2, b1, b2]) await tab.subscribe('news');
  const [{ hubId }, { hubId: otherHubId }] = [await a2.knowsTabs(2), await b2.knowsTabs(2)];
  expect(otherHubId).not.toBe(hubId);
  expect((await backend.record()).connections).toEqual({ now: 2, ever: 2 });

  backend.proxy.cut();
  for (const tab of [a1, b1]) await tab.leaves('open');
  const kept = { a: await storesAll(a1, 'news', ['a 1', 'a 2']), b: await storesAll(b1, 'news', ['b 1']) };
  const idsIn = (tab: Tab) =>
    tab.page.evaluate(async () => (await pageTab.socket.outbox.entries()).map(({ id }) => id));
  expect(await idsIn(a2)).toEqual(kept.a);
  expect(await idsIn(b2)).toEqual(kept.b);
  await b1.page.evaluate(() => pageTab.socket.purge());
  expect((await b1.fates()).map(({ acked }) => acked)).toEqual(['purged']);
  expect(await idsIn(a2)).toEqual(kept.a);
  backend.proxy.heal();
  expect((await a1.fates()).map(({ acked }) => acked)).toEqual(['ok', 'ok']);
  await b2.reaches('open');
  await expectNoLoss(backend, [a1, a2, b1, b2], 'news');

  // The end of one hub's tabs is nothing to the other.
  await a1.page.close();
  await a2.page.close();
  await expect.poll(async () => (await backend.record()).connections.now, { timeout: 15_000 }).toBe(1);
  expect((await b2.status()).hubId).toBe(otherHubId);
  await expectNoLoss(backend, [b1, b2], 'news');
});

/** Puts a frame into a page. Settles once it is loaded. */
const embed = async (page: Page, url: string): Promise<Frame> => {
  const loaded = page.waitForEvent('framenavigated', (frame) => frame.url() === url);
  await page.evaluate((src) => {
    document.body.append(Object.assign(document.createElement('iframe'), { src }));
  }, url);
  const frame = await loaded;
  await frame.waitForFunction(() => 'pageTab' in globalThis);
  return frame;
};

test('a frame in a page of another site has a hub of its own, which works like any', async ({
  backend,
  browserName,
  context,
  launchOptions,
  playwright,
  site,
  specOf,
}) => {
  // Playwright turns the partitions of Chromium off, which every user has: the last such switch counts.
  const args = [...(launchOptions.args ?? []), '--disable-features=PaintHolding'];
  await using partitioned =
    browserName === 'chromium' ? await playwright.chromium.launch({ ...launchOptions, args }) : null;
  const pages = (await partitioned?.newContext()) ?? context;
  const first = new Tab(await openPage(pages, `${site.origin}/`), specOf());
  await first.connect();
  await first.subscribe('news');
  const { hubId } = await first.reaches('open');
  const embedding = await openPage(pages, `${site.otherOrigin}/`);
  const framed = new Tab(await embed(embedding, `${site.origin}/framed`), specOf());
  const sibling = new Tab(await embed(embedding, `${site.origin}/framed`), specOf());
  for (const tab of [framed, sibling]) {
    await tab.connect();
    await tab.subscribe('news');
  }
  const inside = await framed.knowsTabs(2);
  expect(inside.hubId).not.toBe(hubId);
  expect((await sibling.status()).hubId).toBe(inside.hubId);
  expect((await first.status()).tabs).toHaveLength(1);
  expect(inside.durability).toBe('strict');

  await framed.publish('news', 'from the frame');
  await first.publish('news', 'from outside');
  expect((await framed.fates()).map(({ stored, acked }) => [stored, acked])).toEqual([['ok', 'ok']]);
  await first.receives('news', 2);
  await expectNoLoss(backend, [first, framed, sibling], 'news');
  expect((await backend.record()).connections).toEqual({ now: 2, ever: 2 });

  // The hub of the partition is handed on in it.
  await embedding.evaluate(() => document.querySelector('iframe')!.remove());
  await sibling.knowsTabs(1);
  await sibling.publish('news', 'from the frame that is left');
  expect((await sibling.fates()).map(({ acked }) => acked)).toEqual(['ok']);
  await expectNoLoss(backend, [first, sibling], 'news');
});

test(
  'a frame that the browser denies its storage has a connection of its own, and says so',
  { tag: '@any-host' },
  async ({ backend, browserName, context, site, specOf }) => {
    test.skip(browserName !== 'chromium', 'Firefox gives every frame a partition');
    const embedding = await openPage(context, `${site.otherOrigin}/`);
    const framed = new Tab(await embed(embedding, `${site.origin}/framed`), specOf({ options: anyHost }));
    const sibling = new Tab(await embed(embedding, `${site.origin}/framed`), specOf({ options: anyHost }));
    for (const tab of [framed, sibling]) {
      await tab.connect();
      await tab.subscribe('news');
      const { host, durability } = await tab.reaches('open');
      expect([host, durability]).toEqual(['unshared', 'memory']);
    }
    await framed.publish('news', 'hello');
    for (const tab of [framed, sibling]) await tab.receives('news', 1);
    expect((await framed.fates()).map(({ acked }) => acked)).toEqual(['ok']);
    expect((await backend.record()).connections).toEqual({ now: 2, ever: 2 });
  },
);
