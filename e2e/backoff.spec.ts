import type { Tab } from './harness/tab.ts';
import { expect, test } from './harness/test.ts';

/** Timers count whole milliseconds, and the clocks of two processes differ by less than one. */
const granularityMs = 2;

interface Told {
  readonly attempt: number;
  readonly waitMs: number;
}

/** What the tab was told of each wait: the attempts that failed before it, and how long it still was. */
const toldWaits = (tab: Tab): Promise<Told[]> =>
  tab.page.evaluate(() =>
    pageTab.statuses.flatMap(({ at, status }) =>
      status.nextRetryAt === null ? [] : [{ attempt: status.attempt, waitMs: status.nextRetryAt - at }],
    ),
  );

test('1,000 failed attempts stay within the policy and end suspended', async ({ backend, open }) => {
  test.setTimeout(90_000);
  const policy = { baseMs: 1, maxMs: 4, maxAttempts: 1_000 };
  const tab = await open({ url: backend.closingUrl, options: { backoff: policy } });
  const { attempt, lastError, nextRetryAt } = await tab.reaches('suspended');
  expect({ attempt, code: lastError?.code, nextRetryAt }).toEqual({
    attempt: policy.maxAttempts,
    code: 'disconnected',
    nextRetryAt: null,
  });
  expect((await backend.record()).arrivals).toHaveLength(policy.maxAttempts);
  const waits = await toldWaits(tab);
  expect(waits.length).toBeGreaterThan(policy.maxAttempts / 20);
  expect(Math.max(...waits.map(({ waitMs }) => waitMs))).toBeLessThanOrEqual(1.5 * policy.maxMs);
});

test('attempts are never closer together than half the delay of the policy, nor told later than 1.5 of it', async ({
  backend,
  open,
}) => {
  const policy = { baseMs: 10, maxMs: 80, maxAttempts: 60 };
  const delayMs = (failed: number): number => Math.min(policy.maxMs, policy.baseMs * 2 ** (failed - 1));
  const tab = await open({ url: backend.closingUrl, options: { backoff: policy } });
  await tab.reaches('suspended');

  // The next attempt starts only after the server closed the one before, so that no latency can hide a short wait.
  const { arrivals } = await backend.record();
  expect(arrivals).toHaveLength(policy.maxAttempts);
  for (let failed = 1; failed < arrivals.length; failed += 1) {
    const betweenMs = arrivals[failed]! - arrivals[failed - 1]!;
    expect(betweenMs, `before attempt ${failed + 1}`).toBeGreaterThanOrEqual(
      0.5 * delayMs(failed) - granularityMs,
    );
  }
  const waits = await toldWaits(tab);
  expect(waits.length).toBeGreaterThan(policy.maxAttempts / 2);
  for (const { attempt, waitMs } of waits) {
    expect(waitMs, `after ${attempt} attempts`).toBeLessThanOrEqual(1.5 * delayMs(attempt));
  }
  // Jitter: what was told after the cap is not one number.
  const capped = waits.filter(({ attempt }) => delayMs(attempt) === policy.maxMs).map(({ waitMs }) => waitMs);
  expect(Math.max(...capped) - Math.min(...capped)).toBeGreaterThan(0.25 * policy.maxMs);
});

test('after maxAttempts it is suspended, until `online` or reconnect() wakes it', async ({
  backend,
  open,
}) => {
  const options = { backoff: { baseMs: 5, maxMs: 10, maxAttempts: 3, stableMs: 1 } };
  const tabs = [await open({ options }), await open({ options })];
  for (const tab of tabs) await tab.reaches('open');

  await backend.process.kill();
  for (const tab of tabs) {
    const { lastError, nextRetryAt } = await tab.reaches('suspended');
    expect({ code: lastError?.code, nextRetryAt }).toEqual({ code: 'disconnected', nextRetryAt: null });
  }
  const attemptsAt = backend.proxy.accepted;
  await backend.process.start();
  expect(backend.proxy.accepted).toBe(attemptsAt);
  await tabs[1]!.page.evaluate(() => window.dispatchEvent(new Event('online')));
  for (const tab of tabs) await tab.reaches('open');
  expect((await backend.record()).connections).toEqual({ now: 1, ever: 1 });

  await backend.process.kill();
  for (const tab of tabs) await tab.reaches('suspended');
  const failed = await tabs[0]!.page.evaluate(() => pageTab.outcome(pageTab.socket.reconnect()));
  expect(failed).toBe('disconnected');
  for (const tab of tabs) await tab.reaches('suspended');
  await backend.process.start();
  await tabs[0]!.page.evaluate(() => pageTab.socket.reconnect());
  for (const tab of tabs) expect((await tab.reaches('open')).lastError).toBeNull();
  expect((await backend.record()).connections).toEqual({ now: 1, ever: 1 });
});
