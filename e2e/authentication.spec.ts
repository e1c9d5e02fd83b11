import { expect, quickBackoff, test } from './harness/test.ts';

test.use({ settings: { token: 'good' } });

test('a refused token suspends with a clear error, and a good one opens at reconnect()', async ({
  backend,
  open,
}) => {
  const tab = await open({ auth: ['bad'] });
  const { lastError, nextRetryAt } = await tab.reaches('suspended');
  expect(lastError).toMatchObject({ code: 'auth-failed', detail: '4401', retryable: false });
  expect(nextRetryAt).toBeNull();
  expect((await backend.record()).connections.ever).toBe(1);

  // Neither the network nor the user's return makes a bad token good. The hub stores what comes after these
  // signals, so that its answer is one to them, too.
  const stateAfter = await tab.page.evaluate(async () => {
    window.dispatchEvent(new Event('online'));
    document.dispatchEvent(new Event('visibilitychange'));
    document.dispatchEvent(new Event('resume'));
    await pageTab.socket.publish('news', 'queued').stored;
    return pageTab.socket.status.state;
  });
  expect(stateAfter).toBe('suspended');
  expect((await backend.record()).connections.ever).toBe(1);
  const outcome = await tab.page.evaluate(() => pageTab.outcome(pageTab.socket.reconnect()));
  expect(outcome).toBe('auth-failed');
  expect(await backend.record()).toMatchObject({ connections: { ever: 2 }, tokens: ['bad', 'bad'] });

  await tab.page.evaluate(() => {
    pageTab.auth = ['good'];
    pageTab.authCalls = 0;
    return pageTab.socket.reconnect();
  });
  expect(await tab.status()).toMatchObject({ state: 'open', lastError: null });
  const { connections, tokens } = await backend.record();
  expect(connections).toEqual({ now: 1, ever: 3 });
  expect(tokens).toEqual(['bad', 'bad', 'good']);
  await expect.poll(async () => backend.lines('news')).toHaveLength(1);
});

test('a tab without a token is refused with a clear error', async ({ backend, open }) => {
  const tab = await open();
  const { lastError } = await tab.reaches('suspended');
  expect(lastError).toMatchObject({ code: 'auth-failed', retryable: false });
  expect((await backend.record()).connections.ever).toBe(1);
});

test('an auth function that throws is retried with backoff', async ({ backend, open }) => {
  const tab = await open({
    auth: [{ throws: 'offline' }, { throws: 'offline' }, { throws: 'offline' }, 'good'],
  });
  await tab.reaches('open');
  expect(await tab.page.evaluate(() => pageTab.authCalls)).toBe(4);
  const told = await tab.page.evaluate(() =>
    pageTab.statuses.filter(({ status }) => status.state === 'backoff').map(({ status }) => status),
  );
  expect(told.map(({ attempt }) => attempt)).toEqual([1, 2, 3]);
  for (const { lastError, nextRetryAt } of told) {
    expect(lastError).toMatchObject({ code: 'auth-failed', retryable: true });
    expect(lastError!.message).toContain('offline');
    expect(nextRetryAt).not.toBeNull();
  }
  expect((await backend.record()).connections.ever).toBe(1);
});

test('an auth function that always throws ends suspended after maxAttempts', async ({ backend, open }) => {
  const options = { backoff: { ...quickBackoff, maxAttempts: 5 } };
  const tab = await open({ auth: [{ throws: 'offline' }], options });
  const { lastError, attempt } = await tab.reaches('suspended');
  expect({ code: lastError?.code, attempt }).toEqual({ code: 'auth-failed', attempt: 5 });
  expect(await tab.page.evaluate(() => pageTab.authCalls)).toBe(5);
  expect((await backend.record()).connections.ever).toBe(0);
});

test('the token is asked for again at every connection, of a tab that still lives', async ({
  backend,
  open,
}) => {
  const [first, second] = [await open({ auth: ['good'] }), await open({ auth: ['good'] })];
  await first.reaches('open');
  await second.reaches('open');
  const callsOf = async (tab: typeof first): Promise<number> => tab.page.evaluate(() => pageTab.authCalls);
  expect((await callsOf(first)) + (await callsOf(second))).toBe(1);

  for (let cut = 1; cut <= 2; cut += 1) {
    backend.proxy.cut();
    await first.leaves('open');
    backend.proxy.heal();
    await first.reaches('open');
  }
  const { tokens, connections } = await backend.record();
  expect(tokens).toEqual(['good', 'good', 'good']);
  expect(connections.ever).toBe(3);
  // While cut, attempts that reach nobody ask as well.
  expect((await callsOf(first)) + (await callsOf(second))).toBeGreaterThanOrEqual(3);

  await first.page.close();
  await second.knowsTabs(1);
  // Where the closed tab ran the hub, the next one has connected meanwhile.
  await second.reaches('open');
  const { length: tokensBefore } = (await backend.record()).tokens;
  const callsBefore = await callsOf(second);
  await second.page.evaluate(() => pageTab.socket.reconnect());
  expect(await callsOf(second)).toBe(callsBefore + 1);
  expect((await backend.record()).tokens).toHaveLength(tokensBefore + 1);
});
