import type { Capabilities } from './harness/capabilities.ts';
import type { Tab } from './harness/tab.ts';
import { expect, patientBackoff, test } from './harness/test.ts';

const noteRestoring = (): void => {
  addEventListener('pageshow', ({ persisted }) => Object.assign(globalThis, { persisted }));
};

/** Whether the page is the one that went, with its memory, and not a new one; waits until it is connected. */
const wasRestored = async (): Promise<boolean> => {
  if (!('socket' in pageTab)) return false;
  await pageTab.until(() => pageTab.socket.status.state === 'open');
  return (globalThis as { persisted?: boolean }).persisted === true;
};

/**
 * Goes back to the tab's page, which has its memory only where the browser kept it in its back/forward cache. Elsewhere
 * it is loaded anew, and gets what it has lost from the history of its topic.
 */
const goBack = async (tab: Tab, can: Capabilities): Promise<void> => {
  // A page from the cache fires no load event.
  await tab.page.goBack({ waitUntil: can.backForwardCache ? 'commit' : 'load' });
  expect(await tab.page.evaluate(wasRestored)).toBe(can.backForwardCache);
  if (can.backForwardCache) return;
  await tab.connect();
  await tab.subscribe('news', { replay: 100 });
  await tab.reaches('open');
};

test('a reload with another tab open resumes from the tail of the same hub', async ({ backend, open }) => {
  const [first, second] = [await open(), await open()];
  for (const tab of [first, second]) await tab.subscribe('news');
  await backend.publish('news', ...Array(30).keys());
  await second.receives('news', 30);
  const { hubId } = await second.status();
  const before = await backend.record();

  await second.page.reload();
  await second.connect();
  await second.subscribe('news', { replay: 10 });
  await second.receives('news', 10);
  expect(await second.lines('news')).toEqual((await backend.lines('news')).slice(-10));
  expect((await second.knowsTabs(2)).hubId).toBe(hubId);
  const after = await backend.record();
  expect(after.subscribes).toEqual({ news: 1 });
  expect(after.delivered).toBe(before.delivered);
  expect(after.connections).toEqual({ now: 1, ever: 1 });
});

test('a reload of the only tab leaves one hub with one connection, the old one or a new one', async ({
  backend,
  can,
  open,
}) => {
  const tab = await open({ options: { backoff: patientBackoff } });
  await tab.subscribe('news');
  await backend.publish('news', ...Array(30).keys());
  await tab.receives('news', 30);
  const { hubId } = await tab.status();

  await tab.page.reload();
  await tab.connect();
  await tab.subscribe('news', { replay: 10 });
  await tab.receives('news', 10);
  expect(await tab.lines('news')).toEqual((await backend.lines('news')).slice(-10));
  expect((await tab.reaches('open')).hubId === hubId).toBe(can.lingers);
  const ever = can.lingers ? 1 : 2;
  await expect.poll(async () => (await backend.record()).connections).toEqual({ now: 1, ever });
  await tab.knowsTabs(1);
});

test('a page that the user goes back to attaches again and resumes, with its memory or from the history', async ({
  backend,
  can,
  site,
  open,
}) => {
  const [first, second] = [await open(), await open()];
  for (const tab of [first, second]) await tab.subscribe('news');
  await backend.publish('news', 'before');
  await second.receivesPayload('news', 'before');
  await second.page.evaluate(noteRestoring);
  const { hubId, tabId } = await second.status();

  // A message to the page at the wrong moment evicts it, so that one round would prove little.
  for (let round = 1; round <= 5; round += 1) {
    await second.page.goto(`${site.origin}/elsewhere`);
    await first.knowsTabs(1);
    await backend.publish('news', `away ${round}`, `and on ${round}`);
    await first.receivesPayload('news', `and on ${round}`);
    await goBack(second, can);
    const status = await second.knowsTabs(2);
    expect(status.hubId).toBe(hubId);
    expect(status.tabId === tabId).toBe(can.backForwardCache);
  }
  await backend.publish('news', 'after');
  await second.receivesPayload('news', 'after');
  expect(await second.lines('news')).toEqual(await backend.lines('news'));
  expect(await second.gaps('news')).toEqual([]);
  await second.publish('news', 'from the page that came back');
  expect((await second.fates()).map(({ acked }) => acked)).toEqual(['ok']);
  expect(await backend.record()).toMatchObject({ connections: { now: 1, ever: 1 }, subscribes: { news: 1 } });
});

test('the only tab has no hole after the user went back to it', async ({ backend, can, site, open }) => {
  const tab = await open({ options: { backoff: patientBackoff } });
  await tab.subscribe('news');
  await backend.publish('news', 'before');
  await tab.receivesPayload('news', 'before');
  await tab.page.evaluate(noteRestoring);

  await tab.page.goto(`${site.origin}/elsewhere`);
  await expect.poll(async () => (await backend.record()).topics).toEqual([]);
  await backend.publish('news', 'away 1', 'away 2');
  await goBack(tab, can);
  await tab.receivesPayload('news', 'away 2');
  await backend.publish('news', 'after');
  await tab.receivesPayload('news', 'after');
  expect(await tab.lines('news')).toEqual(await backend.lines('news'));
  expect(await tab.gaps('news')).toEqual([]);
  const ever = can.lingers ? 1 : 2;
  await expect.poll(async () => (await backend.record()).connections).toEqual({ now: 1, ever });
});
