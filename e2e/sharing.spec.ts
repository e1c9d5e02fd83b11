import { expect, patientBackoff, test } from './harness/test.ts';

test('five tabs share one connection and see the same messages in the same order', async ({
  backend,
  host: wanted,
  open,
}) => {
  const topics = ['alpha', 'beta', 'gamma'];
  const tabs = [await open(), await open(), await open(), await open(), await open()];
  for (const tab of tabs) await tab.subscribe(topics);

  const perTab = 60;
  const publishing = tabs.map((tab, author) =>
    tab.page.evaluate(
      ([names, from, count]) => {
        for (let n = 0; n < count; n += 1) {
          const topic = names[n % names.length]!;
          const isBinary = n % 5 === 0;
          pageTab.publish(
            topic,
            isBinary ? new Uint8Array([from, n, 0, 255]).buffer : { from, n, text: 'ü€😀' },
          );
        }
      },
      [topics, author, perTab] as const,
    ),
  );
  await Promise.all([...publishing, ...topics.map((topic) => backend.publish(topic, ...Array(20).keys()))]);

  const perTopic = (tabs.length * perTab) / topics.length + 20;
  for (const topic of topics) {
    for (const tab of tabs) await tab.receives(topic, perTopic);
    const accepted = await backend.lines(topic);
    for (const tab of tabs) {
      expect(await tab.lines(topic)).toEqual(accepted);
      expect(await tab.gaps(topic)).toEqual([]);
    }
    expect(accepted.filter((line) => line.includes('bytes:'))).not.toHaveLength(0);
  }
  const statuses = await Promise.all(tabs.map((tab) => tab.knowsTabs(5)));
  expect(new Set(statuses.map(({ hubId }) => hubId)).size).toBe(1);
  expect(statuses.map(({ host }) => host)).toEqual(Array(5).fill(wanted));
  expect((await backend.record()).connections).toEqual({ now: 1, ever: 1 });
  for (const tab of tabs) {
    expect(new Set((await tab.fates()).map(({ acked }) => acked))).toEqual(new Set(['ok']));
  }
});

test('a subscription ends at the server when the last tab that wants it closes, and not before', async ({
  backend,
  open,
}) => {
  const watched = async (): Promise<readonly string[]> => (await backend.record()).topics;
  const [first, second, third] = [await open(), await open(), await open()];
  await first.subscribe(['shared']);
  await second.subscribe(['shared', 'own']);
  await third.subscribe(['shared', 'shared']);
  expect(await watched()).toEqual(['own', 'shared']);

  await second.page.close();
  await expect.poll(watched).toEqual(['shared']);

  // The server answers a request after everything that the hub sent before it.
  await third.page.evaluate(async () => {
    pageTab.subscriptions[0]!.close();
    await pageTab.socket.request('echo', null);
  });
  expect(await watched()).toEqual(['shared']);
  await third.page.evaluate(async () => {
    pageTab.subscriptions[1]!.close();
    await pageTab.socket.request('echo', null);
  });
  expect(await watched()).toEqual(['shared']);

  await backend.publish('shared', 'still here');
  await first.receivesPayload('shared', 'still here');
  await first.page.evaluate(() => pageTab.subscriptions[0]!.close());
  await expect.poll(watched).toEqual([]);
  expect((await backend.record()).connections).toEqual({ now: 1, ever: 1 });
});

test('closing the tab that opened first loses nothing for the others', async ({ backend, can, open }) => {
  const spec = { options: { backoff: patientBackoff } };
  const [first, second, third] = [await open(spec), await open(spec), await open(spec)];
  for (const tab of [first, second, third]) await tab.subscribe('news');
  const { hubId } = await second.status();
  const stopFlow = await backend.startFlow('news');
  await third.receives('news', 20);

  await first.page.close();
  await second.knowsTabs(2);
  const seenAtClose = (await second.lines('news')).length;
  await second.receives('news', seenAtClose + 100);
  await stopFlow();
  await backend.publish('news', 'end');

  const accepted = await backend.lines('news');
  for (const tab of [second, third]) {
    await tab.receivesPayload('news', 'end');
    expect(await tab.lines('news')).toEqual(accepted);
    expect(await tab.gaps('news')).toEqual([]);
  }
  // The elected tab takes its hub along, and the next one in line starts another.
  expect((await second.status()).hubId === hubId).toBe(can.outlivesFirstTab);
  const ever = can.outlivesFirstTab ? 1 : 2;
  await expect.poll(async () => (await backend.record()).connections).toEqual({ now: 1, ever });
});

test('a late tab gets the kept tail from the hub without a word to the server', async ({ backend, open }) => {
  const first = await open();
  await first.subscribe('news');
  await backend.publish('news', ...Array(50).keys());
  await first.receives('news', 50);
  const before = await backend.record();

  const late = await open();
  await late.subscribe('news', { replay: 20 });
  await late.receives('news', 20);
  expect(await late.lines('news')).toEqual((await backend.lines('news')).slice(-20));

  const after = await backend.record();
  expect(after.subscribes).toEqual({ news: 1 });
  expect(after.delivered).toBe(before.delivered);
  expect(after.connections).toEqual({ now: 1, ever: 1 });

  await backend.publish('news', 'live');
  await late.receivesPayload('news', 'live');
  expect(await late.lines('news')).toEqual((await backend.lines('news')).slice(-21));
});
