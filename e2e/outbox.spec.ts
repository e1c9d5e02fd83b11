import { expect, quickBackoff, test } from './harness/test.ts';

test.describe('a server with small frames', () => {
  test.use({ settings: { limits: { maxFrameBytes: 16_384, messageBytes: 16_384 } } });

  test('a payload that is too large fails alone, and what is behind it goes on', async ({
    backend,
    open,
  }) => {
    const tab = await open();
    const fates = await tab.page.evaluate(async () => {
      const publish = (payload: unknown): unknown => pageTab.publish('news', payload);
      publish('before');
      publish('x'.repeat(20_000));
      publish('between');
      publish(new Uint8Array(20_000).buffer);
      // 12,000 characters, but 24,000 bytes.
      publish('ü'.repeat(12_000));
      publish('behind');
      await pageTab.until(() => pageTab.published.every(({ acked }) => acked !== 'pending'));
      const request = await pageTab.outcome(pageTab.socket.request('echo', 'x'.repeat(20_000)));
      return { acked: pageTab.published.map(({ acked }) => acked), request, dropped: pageTab.dropped };
    });
    expect(fates).toMatchObject({
      acked: ['ok', 'too-large', 'ok', 'too-large', 'too-large', 'ok'],
      request: 'too-large',
      dropped: Array(3).fill({ topic: 'news', code: 'too-large' }),
    });
    const texts = (await backend.lines('news')).map((line) => line.split(' ').slice(2).join(' '));
    expect(texts).toEqual(['"before"', '"between"', '"behind"']);
    expect((await backend.record()).connections).toEqual({ now: 1, ever: 1 });
  });
});

test('a publish that the server refuses fails alone, with the reason', async ({ backend, open }) => {
  const tab = await open();
  const acked = await tab.page.evaluate(async () => {
    for (const topic of ['news', 'refused', 'secret', 'news']) pageTab.publish(topic, 1);
    await pageTab.until(() => pageTab.published.every(({ acked }) => acked !== 'pending'));
    return pageTab.published.map(({ acked }) => acked);
  });
  expect(acked).toEqual(['ok', 'rejected', 'forbidden', 'ok']);
  expect(await tab.page.evaluate(() => pageTab.dropped.map(({ topic, code }) => [topic, code]))).toEqual([
    ['refused', 'rejected'],
    ['secret', 'forbidden'],
  ]);
  expect(await backend.lines('news')).toHaveLength(2);
});

test('a message whose time to live passes while disconnected is dropped and never arrives', async ({
  backend,
  open,
}) => {
  const [tab, other] = [await open(), await open()];
  await tab.reaches('open');
  backend.proxy.cut();
  await tab.leaves('open');
  const dropped = await tab.page.evaluate(async () => {
    pageTab.publish('news', 'lasting');
    const shortLived = pageTab.publish('news', 'short-lived', { ttlMs: 30 });
    pageTab.publish('news', 'long-lived', { ttlMs: 60_000 });
    await pageTab.until(() => pageTab.dropped.length === 1 && shortLived.acked !== 'pending');
    const states = pageTab.published.map(({ stored, acked }) => [stored, acked]);
    return { states, dropped: pageTab.dropped, id: shortLived.id };
  });
  expect(dropped).toEqual({
    states: [
      ['ok', 'pending'],
      ['ok', 'expired'],
      ['ok', 'pending'],
    ],
    dropped: [{ id: dropped.id, topic: 'news', code: 'expired' }],
    id: dropped.id,
  });

  backend.proxy.heal();
  await tab.reaches('open');
  expect((await tab.fates()).map(({ acked }) => acked)).toEqual(['ok', 'expired', 'ok']);
  const texts = (await backend.lines('news')).map((line) => line.split(' ').slice(2).join(' '));
  expect(texts).toEqual(['"lasting"', '"long-lived"']);
  for (const each of [tab, other]) {
    await each.page.evaluate(() => pageTab.until(() => pageTab.socket.status.dropped === 1));
  }
  expect(await other.page.evaluate(() => pageTab.dropped)).toEqual([]);
});

test('a full queue refuses what is above its bound, and sends the rest in order', async ({
  backend,
  open,
}) => {
  const options = { queue: { maxEntries: 5, maxBytes: 1_000 }, backoff: quickBackoff };
  const [tab, other] = [await open({ options }), await open({ options })];
  await tab.reaches('open');
  backend.proxy.cut();
  await tab.leaves('open');
  await tab.publish('news', 1, 2, 3, 4, 5, 6, 7);
  await tab.page.evaluate(() =>
    pageTab.until(() => pageTab.published.every(({ stored }) => stored !== 'pending')),
  );
  expect(await tab.page.evaluate(() => pageTab.published.map(({ stored }) => stored))).toEqual([
    ...Array(5).fill('ok'),
    ...Array(2).fill('queue-full'),
  ]);
  // The bound is that of the hub, whichever tab publishes.
  await other.publish('news', 'of another tab');
  expect((await other.fates()).map(({ stored, acked }) => [stored, acked])).toEqual([
    ['queue-full', 'queue-full'],
  ]);
  expect(await other.page.evaluate(() => pageTab.dropped.map(({ code }) => code))).toEqual(['queue-full']);

  backend.proxy.heal();
  await tab.reaches('open');
  await tab.fates();
  await tab.publish('news', 'x'.repeat(1_100), 8);
  expect((await tab.fates()).slice(7).map(({ acked }) => acked)).toEqual(['queue-full', 'ok']);
  const texts = (await backend.lines('news')).map((line) => line.split(' ').slice(2).join(' '));
  expect(texts).toEqual(['1', '2', '3', '4', '5', '8']);
  // Counters are told a moment later than the fates.
  await tab.page.evaluate(() => pageTab.until(() => pageTab.socket.status.queue.entries === 0));
  expect((await tab.status()).queue.bytes).toBe(0);
});
