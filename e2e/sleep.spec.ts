import { setTimeout as delay } from 'node:timers/promises';
import { everyTab, expectArrivedOnce, expectNoLoss } from './harness/checks.ts';
import * as e2eLimits from './harness/limits.ts';
import { browserProcesses, stopProcesses } from './harness/processes.ts';
import { expect, test } from './harness/test.ts';

/** Longer than a frozen leader would keep the hub lock: time alone must not depose it. */
const sleepMs = e2eLimits.stolenAfterMaxMs + 500;
const heartbeat = { intervalMs: 500, timeoutMs: 1_000 };

test.beforeEach(() => {
  test.skip(process.platform !== 'linux', 'only Linux tells which processes belong to the browser');
});

test('a computer that sleeps deposes nobody, and goes on over the same connection', async ({
  backend,
  open,
}) => {
  const spec = { options: { heartbeat } };
  const tabs = [await open(spec), await open(spec), await open(spec)];
  for (const tab of tabs) await tab.subscribe('news');
  const { hubId } = await tabs[0]!.knowsTabs(3);
  await everyTab(tabs, (tab) => tab.publish('news', ...Array(100).keys()));
  {
    using _ = stopProcesses(browserProcesses());
    await backend.publish('news', 'in its sleep');
    await delay(sleepMs);
  }
  await everyTab(tabs, (tab) => tab.publish('news', 'awake'));
  await expectArrivedOnce(backend, tabs, 'news');
  await expectNoLoss(backend, tabs, 'news');
  for (const tab of tabs) {
    const hubs = await tab.page.evaluate(() =>
      pageTab.statuses.flatMap(({ status }) => (status.hubId === null ? [] : [status.hubId])),
    );
    expect(new Set(hubs)).toEqual(new Set([hubId]));
  }
  expect((await backend.record()).connections).toEqual({ now: 1, ever: 1 });
});

test('a connection that died in the sleep is noticed at once', async ({ backend, open }) => {
  const spec = { options: { heartbeat } };
  const tabs = [await open(spec), await open(spec)];
  for (const tab of tabs) await tab.subscribe('news');
  const { hubId } = await tabs[0]!.knowsTabs(2);
  {
    using _ = stopProcesses(browserProcesses());
    // Half-open: neither an end nor a reset ever comes.
    backend.proxy.stall();
    await backend.publish('news', 'in its sleep');
    await delay(heartbeat.intervalMs + heartbeat.timeoutMs + 1_500);
  }
  const wokenAt = Date.now();
  await tabs[0]!.leaves('open');
  expect(Date.now() - wokenAt).toBeLessThan(heartbeat.intervalMs + heartbeat.timeoutMs + e2eLimits.slackMs);
  backend.proxy.heal();
  await everyTab(tabs, (tab) => tab.publish('news', 'awake'));
  await expectArrivedOnce(backend, tabs, 'news');
  await expectNoLoss(backend, tabs, 'news');
  for (const tab of tabs) expect((await tab.status()).hubId).toBe(hubId);
});
