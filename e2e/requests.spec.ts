import { expect, test } from './harness/test.ts';

test('a request is answered, in the tab that asked, with JSON or bytes', async ({ backend, open }) => {
  const [first, second] = [await open(), await open()];
  const ask = (tab: typeof first, from: string): Promise<unknown> =>
    tab.page.evaluate(async (name) => {
      const { socket } = pageTab;
      const inputs = [{ name, nested: [1, null, 'ü'] }, null, 'text', 0, false];
      const json = await Promise.all(inputs.map((input) => socket.request('echo', input)));
      const bytes = await socket.request('echo', new Uint8Array([0, 128, 255]));
      return { json, bytes: pageTab.textOf(bytes) };
    }, from);
  const answers = await Promise.all([ask(first, 'first'), ask(second, 'second')]);
  expect(answers).toEqual(
    ['first', 'second'].map((name) => ({
      json: [{ name, nested: [1, null, 'ü'] }, null, 'text', 0, false],
      bytes: 'bytes:0080ff',
    })),
  );
  expect((await backend.record()).connections).toEqual({ now: 1, ever: 1 });
});

test('a request that fails says why', async ({ open }) => {
  const tab = await open();
  const errors = await tab.page.evaluate(async () => {
    const { socket } = pageTab;
    const errorOf = (promise: Promise<unknown>): Promise<unknown> =>
      promise.then(
        () => 'no error',
        ({ name, code, detail, message, retryable }) => ({ name, code, detail, message, retryable }),
      );
    return {
      unknown: await errorOf(socket.request('nope', 1)),
      inherited: await errorOf(socket.request('constructor', 1)),
      failed: await errorOf(socket.request('fail', 1)),
      forbidden: await errorOf(socket.request('secret', 1)),
    };
  });
  const error = { name: 'ConnectionError', retryable: false };
  expect(errors).toMatchObject({
    unknown: { ...error, code: 'unknown-method' },
    inherited: { ...error, code: 'unknown-method' },
    failed: { ...error, code: 'request-failed', detail: 'out-of-stock', message: 'only 3 are left' },
    forbidden: { ...error, code: 'forbidden' },
  });
});

test('a request that times out or is aborted ends at the server too', async ({ backend, open }) => {
  const tab = await open();
  const ended = async (): Promise<number> =>
    (await backend.record()).requests.filter(({ moment }) => moment === 'aborted').length;
  await tab.reaches('open');

  const timedOut = await tab.page.evaluate(() =>
    pageTab.outcome(pageTab.socket.request('hang', null, { timeoutMs: 50 })),
  );
  expect(timedOut).toBe('timeout');
  await expect.poll(ended).toBe(1);

  const aborting = tab.page.evaluate(async () => {
    const controller = new AbortController();
    Object.assign(globalThis, { controller });
    const answer = pageTab.socket.request('hang', null, { signal: controller.signal });
    return answer.catch((error) => ({ code: error.code, cause: String(error.cause) }));
  });
  await expect.poll(async () => (await backend.record()).requests.length).toBe(3);
  await tab.page.evaluate(() =>
    (globalThis as unknown as { controller: AbortController }).controller.abort('enough'),
  );
  expect(await aborting).toEqual({ code: 'aborted', cause: 'enough' });
  await expect.poll(ended).toBe(2);

  const neverSent = await tab.page.evaluate(() =>
    pageTab.outcome(pageTab.socket.request('hang', null, { signal: AbortSignal.abort() })),
  );
  expect(neverSent).toBe('aborted');
  await tab.page.evaluate(() => pageTab.socket.request('echo', null));
  expect((await backend.record()).requests).toHaveLength(4);
});

test('a request under way when the connection breaks is rejected, and one made meanwhile waits', async ({
  backend,
  open,
}) => {
  const tab = await open();
  const lost = tab.page.evaluate(() => pageTab.outcome(pageTab.socket.request('hang', null)));
  await expect.poll(async () => (await backend.record()).requests.length).toBe(1);

  backend.proxy.cut();
  expect(await lost).toBe('disconnected');
  await tab.leaves('open');
  const waiting = tab.page.evaluate(() => pageTab.socket.request('echo', 'later'));
  backend.proxy.heal();
  expect(await waiting).toBe('later');
});
