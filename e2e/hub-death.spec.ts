import { everyTab, expectArrivedOnce, expectNoLoss, findsAnotherHub } from './harness/checks.ts';
import { expect, longHistory, test } from './harness/test.ts';

// More than comes while there is no hub: Firefox takes seconds to have another.
test.use({ settings: longHistory });

test.beforeEach(({ can }) => test.skip(can.cannotKill !== false, String(can.cannotKill)));

test('a killed hub is replaced again and again: nothing is lost, doubled or out of order', async ({
  backend,
  kill,
  open,
  openCarriers,
}) => {
  const rounds = 3;
  let tabs = [...(await openCarriers(rounds)), await open(), await open(), await open()];
  for (const tab of tabs) await tab.subscribe('news');
  const stopFlow = await backend.startFlow('news');
  let { hubId } = await tabs[0]!.reaches('open');

  for (let round = 1; round <= rounds; round += 1) {
    await everyTab(tabs, async (tab) => tab.receives('news', (await tab.lines('news')).length + 50));
    // Some of these are with the hub when it dies, some come after it.
    const publishing = tabs.map((tab) =>
      tab.page.evaluate(async (number) => {
        for (let n = 0; n < 60; n += 1) {
          pageTab.publish('news', { round: number, n });
          if (n % 10 === 0) await new Promise((resolve) => setTimeout(resolve));
        }
      }, round),
    );
    const { left } = await kill.hub(tabs);
    // That of a tab that ended with its hub fails.
    await Promise.allSettled(publishing);
    tabs = left;
    const found = await everyTab(tabs, (tab) => findsAnotherHub(tab, hubId));
    expect(new Set(found).size).toBe(1);
    hubId = found[0]!;
  }
  await stopFlow();
  await expectArrivedOnce(backend, tabs, 'news');
  await expectNoLoss(backend, tabs, 'news');
  await expect.poll(async () => (await backend.record()).connections.now).toBe(1);
});

test('a tab that only listens knows of the death within a moment, and goes on without a hole', async ({
  backend,
  kill,
  open,
  openCarriers,
}) => {
  const carriers = await openCarriers(1);
  const tab = await open();
  await tab.subscribe('news');
  await backend.publish('news', 'a', 'b');
  await tab.receivesPayload('news', 'b');
  const { hubId } = await tab.status();

  const { killedAt } = await kill.hub([...carriers, tab]);
  await backend.publish('news', 'while there was no hub');
  await findsAnotherHub(tab, hubId);
  const knownAt = await tab.page.evaluate(
    (since) =>
      pageTab.statuses.find(({ at, status }) => at >= since && status.state === 'connecting')?.at ?? Infinity,
    killedAt,
  );
  // Far under every deadline of a call: it was the lock that told.
  expect(knownAt - killedAt).toBeLessThan(1_000);
  await expectNoLoss(backend, [tab], 'news');
});

test('requests that were under way are lost at once, and new ones are answered by the next hub', async ({
  backend,
  kill,
  open,
  openCarriers,
}) => {
  const carriers = await openCarriers(1);
  const [first, second] = [await open(), await open()];
  await everyTab([first, second], (tab) => tab.reaches('open'));
  const outcomes = everyTab([first, second], (tab) =>
    tab.page.evaluate(async () => {
      const outcome = await pageTab.outcome(pageTab.socket.request('hang', null, { timeoutMs: 60_000 }));
      return [outcome, pageTab.socket.status.state];
    }),
  );
  await expect
    .poll(async () => (await backend.record()).requests.filter(({ moment }) => moment === 'started').length)
    .toBe(2);

  await kill.hub([...carriers, first, second]);
  expect(await outcomes).toEqual(Array(2).fill(['hub-lost', 'connecting']));
  const answers = await everyTab([first, second], (tab) =>
    tab.page.evaluate(() => pageTab.socket.request('echo', 'and again')),
  );
  expect(answers).toEqual(['and again', 'and again']);
});

test('the crash of the tab whose process ran the hub stops no other tab', async ({ backend, kill, open }) => {
  // The hub lives in the process of the tab that opened first.
  const [victim, ...others] = [await open(), await open(), await open()];
  for (const tab of [victim, ...others]) await tab.subscribe('news');
  const { hubId } = await victim.reaches('open');
  await everyTab(others, (tab) => tab.publish('news', 'before', 'the crash'));
  for (const tab of [victim, ...others]) await tab.receives('news', 4);

  await kill.tab(victim);
  await everyTab(others, (tab) => tab.publish('news', 'after', 'it'));
  await everyTab(others, (tab) => findsAnotherHub(tab, hubId));
  await everyTab(others, (tab) => tab.knowsTabs(2));
  await expectArrivedOnce(backend, others, 'news');
  await expectNoLoss(backend, others, 'news');
});

test('what was stored while there was no connection outlives the hub, and any tab can follow it', async ({
  backend,
  kill,
  open,
  openCarriers,
}) => {
  const carriers = await openCarriers(1);
  const [author, other] = [await open(), await open()];
  await author.reaches('open');
  backend.proxy.cut();
  await author.leaves('open');
  const [kept, next] = await author.page.evaluate(async () => {
    const deliveries = ['kept', 'next'].map((text) => pageTab.socket.publish('news', text));
    await Promise.all(deliveries.map(({ stored }) => stored));
    return deliveries.map(({ id }) => id);
  });
  const { hubId, durability } = await author.status();
  expect(durability).toBe('strict');

  await kill.hub([...carriers, author, other]);
  await other.page.evaluate(async (dead) => {
    await pageTab.until(
      () => pageTab.socket.status.hubId !== dead && pageTab.socket.status.state !== 'connecting',
    );
  }, hubId);
  const seen = await other.page.evaluate(async () => {
    const entries = await pageTab.socket.outbox.entries();
    return entries.map(({ id, topic, payload }) => ({ id, topic, payload }));
  });
  expect(seen).toEqual([
    { id: kept, topic: 'news', payload: 'kept' },
    { id: next, topic: 'news', payload: 'next' },
  ]);
  const followed = other.page.evaluate(
    (id) => pageTab.outcome(pageTab.socket.outbox.delivery(id!).acked),
    kept,
  );
  backend.proxy.heal();
  expect(await followed).toBe('ok');
  await expect
    .poll(async () => (await backend.lines('news')).map((line) => line.split(' ')[1]))
    .toEqual([kept, next]);
});
