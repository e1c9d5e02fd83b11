import { anyHost } from './harness/capabilities.ts';
import { openPage, Tab } from './harness/tab.ts';
import { expect, test } from './harness/test.ts';

const cases = [
  { missing: ['SharedWorker'], host: 'dedicated-worker', shares: true },
  { missing: ['SharedWorker', 'Worker'], host: 'page', shares: true },
  { missing: ['SharedWorker', 'Worker', 'BroadcastChannel'], host: 'unshared', shares: false },
] as const;

for (const { missing, host, shares } of cases) {
  test(`without ${missing.join(' and ')} the hub is ${host}`, async ({ backend, context, open }) => {
    await context.addInitScript((names) => {
      for (const name of names) Reflect.deleteProperty(globalThis, name);
    }, missing);
    const tabs = [await open({ options: anyHost }), await open({ options: anyHost })];
    for (const tab of tabs) {
      await tab.subscribe('news');
      expect((await tab.reaches('open')).host).toBe(host);
    }
    for (const tab of tabs) await tab.publish('news', 'hello');
    for (const tab of tabs) await tab.receives('news', 2);
    const accepted = await backend.lines('news');
    for (const tab of tabs) expect(await tab.lines('news')).toEqual(accepted);
    expect((await backend.record()).connections.now).toBe(shares ? 1 : 2);
  });
}

test('a tab without SharedWorker uses the hub of those that have one, and takes over after them', async ({
  backend,
  context,
  site,
  open,
  specOf,
}) => {
  const first = await open({ options: anyHost });
  await first.subscribe('news');
  const { hubId } = await first.reaches('open');
  const page = await openPage(context, `${site.origin}/`);
  await page.evaluate(() => Reflect.deleteProperty(globalThis, 'SharedWorker'));
  const other = new Tab(page, specOf({ options: anyHost }));
  await other.connect();
  await other.subscribe('news');
  expect(await other.reaches('open')).toMatchObject({ host: 'shared-worker', hubId });
  await first.publish('news', 'to the other');
  await other.receivesPayload('news', 'to the other');
  expect((await backend.record()).connections).toEqual({ now: 1, ever: 1 });

  await first.page.close();
  await other.publish('news', 'alone');
  expect((await other.fates()).map(({ acked }) => acked)).toEqual(['ok']);
  await other.receivesPayload('news', 'alone');
  expect(await other.lines('news')).toEqual(await backend.lines('news'));
  expect(await other.gaps('news')).toEqual([]);
  await expect.poll(async () => (await backend.record()).connections.now).toBe(1);
});

for (const [host, name] of [
  ['shared-worker', 'SharedWorker'],
  ['dedicated-worker', 'Worker'],
] as const) {
  test(`a browser without ${name} is a clear error where the hub may run nowhere else`, async ({
    backend,
    context,
    open,
  }) => {
    await context.addInitScript((missing) => Reflect.deleteProperty(globalThis, missing), name);
    const tab = await open({ options: { host } });
    const { lastError } = await tab.reaches('closed');
    expect(lastError?.code).toBe('host-unavailable');
    expect(await tab.page.evaluate(() => pageTab.outcome(pageTab.socket.request('echo', 1)))).toBe(
      'host-unavailable',
    );
    expect((await backend.record()).connections.ever).toBe(0);
  });
}
