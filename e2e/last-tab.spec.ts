import { acceptedIds, findsAnotherHub, storesAll } from './harness/checks.ts';
import * as e2eLimits from './harness/limits.ts';
import { openPage } from './harness/tab.ts';
import { expect, test } from './harness/test.ts';

test('what the last tab has stored goes out after it has closed, and then the connection ends', async ({
  backend,
  can,
  context,
  site,
  open,
}) => {
  test.skip(!can.lingers, 'the worker ends with its last tab');
  // The browser stays, with a page that is no tab.
  await openPage(context, `${site.otherOrigin}/`);
  const tab = await open();
  await tab.reaches('open');
  backend.proxy.cut();
  await tab.leaves('open');
  const kept = await storesAll(tab, 'news', ['kept 1', 'kept 2']);
  const closingAt = Date.now();
  await tab.page.close();
  const closedAt = Date.now();
  backend.proxy.heal();

  await expect.poll(() => acceptedIds(backend, 'news'), { intervals: [20], timeout: 15_000 }).toEqual(kept);
  expect((await backend.record()).connections.now).toBe(1);
  await expect
    .poll(async () => (await backend.record()).connections.now, {
      intervals: [20],
      timeout: e2eLimits.lingerMs + e2eLimits.lingerFlushMs,
    })
    .toBe(0);
  const endedAt = Date.now();
  expect(endedAt - closingAt).toBeGreaterThan(e2eLimits.lingerMs - 100);
  expect(endedAt - closedAt).toBeLessThan(e2eLimits.lingerMs + e2eLimits.slackMs);
});

test('a reload within the linger finds the connection open, again and again', async ({
  backend,
  can,
  open,
}) => {
  test.skip(!can.lingers, 'the worker ends with its last tab');
  const tab = await open();
  await tab.subscribe('news');
  const { hubId } = await tab.reaches('open');
  for (let round = 1; round <= 3; round += 1) {
    await tab.publish('news', round);
    await tab.receivesPayload('news', round);
    await tab.page.reload();
    await tab.connect();
    await tab.subscribe('news', { replay: 1 });
    await tab.receivesPayload('news', round);
    expect((await tab.reaches('open')).hubId).toBe(hubId);
  }
  expect((await backend.record()).connections).toEqual({ now: 1, ever: 1 });
});

test('what the only tab has stored is sent after its reload, by whichever hub there is then', async ({
  backend,
  can,
  open,
}) => {
  const tab = await open();
  await tab.subscribe('news');
  const { hubId } = await tab.reaches('open');
  backend.proxy.cut();
  await tab.leaves('open');
  const kept = await storesAll(tab, 'news', ['kept 1', 'kept 2']);
  await tab.page.reload();
  await tab.connect();
  await tab.publish('news', 'after');
  backend.proxy.heal();
  const own = await tab.fates();
  expect(own.map(({ stored, acked }) => [stored, acked])).toEqual([['ok', 'ok']]);
  await expect.poll(() => acceptedIds(backend, 'news')).toEqual([...kept, own[0]!.id]);
  if (can.lingers) expect((await tab.reaches('open')).hubId).toBe(hubId);
  else await findsAnotherHub(tab, hubId);
});
