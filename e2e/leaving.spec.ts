import { expect, test } from './harness/test.ts';

test('a tab that crashes is forgotten within a second, and the others go on', async ({
  backend,
  can,
  kill,
  open,
}) => {
  test.skip(can.cannotKill !== false, String(can.cannotKill));
  // The hub lives in the process of the tab that opened first, so that another one has to crash.
  const [first, second, victim] = [await open(), await open(), await open()];
  for (const tab of [first, second, victim]) await tab.subscribe('news');
  await victim.subscribe('own');
  const { hubId } = await first.status();
  const victimId = (await victim.status()).tabId;
  const stopFlow = await backend.startFlow('news');
  await second.receives('news', 20);

  const killedAt = await kill.tab(victim);

  for (const tab of [first, second]) {
    const { tabs, hubId: hubIdAfter } = await tab.knowsTabs(2);
    expect(tabs).not.toContain(victimId);
    expect(hubIdAfter).toBe(hubId);
    const toldAt = await tab.page.evaluate(
      () =>
        pageTab.statuses.findLast(
          ({ status }, at, all) => status.tabs.length !== all[at - 1]?.status.tabs.length,
        )!.at,
    );
    expect(toldAt - killedAt).toBeLessThan(1_000);
  }
  await expect.poll(async () => (await backend.record()).topics).toEqual(['news']);

  const seen = (await first.lines('news')).length;
  await first.receives('news', seen + 100);
  await stopFlow();
  await backend.publish('news', 'end');
  for (const tab of [first, second]) {
    await tab.receivesPayload('news', 'end');
    expect(await tab.lines('news')).toEqual(await backend.lines('news'));
    expect(await tab.gaps('news')).toEqual([]);
  }
  expect((await backend.record()).connections).toEqual({ now: 1, ever: 1 });
});

test('close() of one tab leaves the socket to the others and stores what was published', async ({
  backend,
  open,
}) => {
  const [first, second] = [await open(), await open()];
  await first.subscribe('news');
  await second.subscribe(['news', 'own']);

  const outcomes = await second.page.evaluate(async () => {
    const { socket } = pageTab;
    const loop = (async () => {
      const offsets = [];
      for await (const message of socket.subscribe('news')) offsets.push(message.offset);
      return offsets;
    })();
    const late = pageTab.publish('news', 'goodbye');
    const request = pageTab.outcome(socket.request('hang', null));
    await socket.close();
    const after = {
      state: socket.status.state,
      stored: late.stored,
      request: await request,
      requestAfter: await pageTab.outcome(socket.request('echo', 1)),
      publishAfter: await pageTab.outcome(socket.publish('news', 'too late').stored),
      subscribeAfter: await pageTab.outcome(socket.subscribe('news').ready),
      reconnectAfter: await pageTab.outcome(socket.reconnect()),
      closeAgain: await pageTab.outcome(socket.close()),
    };
    await loop;
    return after;
  });
  expect(outcomes).toEqual({
    state: 'closed',
    stored: 'ok',
    request: 'closed',
    requestAfter: 'closed',
    publishAfter: 'closed',
    subscribeAfter: 'closed',
    reconnectAfter: 'closed',
    closeAgain: 'ok',
  });

  await first.receivesPayload('news', 'goodbye');
  await first.knowsTabs(1);
  await expect.poll(async () => (await backend.record()).topics).toEqual(['news']);
  await backend.publish('news', 'still here');
  await first.receivesPayload('news', 'still here');
  expect(await first.lines('news')).toEqual(await backend.lines('news'));
  expect((await backend.record()).connections).toEqual({ now: 1, ever: 1 });
});

test('await using closes a subscription and a socket at the end of their block', async ({
  backend,
  open,
}) => {
  const tab = await open();
  await tab.subscribe('news');
  // As text, since the test runner would compile `using` into helpers that the page does not have.
  const states = await tab.page.evaluate(`(async () => {
    const { connect } = await import('/dist/index.js');
    let socket;
    let hadTopics;
    {
      await using inner = connect(${JSON.stringify(backend.url)});
      socket = inner;
      {
        await using subscription = inner.subscribe('own');
        await subscription.ready;
        hadTopics = inner.status.topics;
      }
      await inner.request('echo', null);
    }
    return [socket.status.state, pageTab.socket.status.state];
  })()`);
  expect(states).toEqual(['closed', 'open']);
  expect((await backend.record()).topics).toEqual(['news']);
  expect((await backend.record()).subscribes).toEqual({ news: 1, own: 1 });
});

test('a for-await loop ends with break, with its subscription, and with an error where that was refused', async ({
  backend,
  open,
}) => {
  const tab = await open();
  const result = tab.page.evaluate(async () => {
    const { socket } = pageTab;
    const broken = [];
    const subscription = socket.subscribe('news', { replay: 10 });
    for await (const { payload } of subscription) {
      broken.push(payload);
      if (payload === 3) break;
    }
    const loop = subscription[Symbol.asyncIterator]();
    const next = loop.next();
    socket.publish('news', 4);
    socket.publish('news', 5);
    const rest = [(await next).value.payload, (await loop.next()).value.payload];
    subscription.close();
    const isDone = (await loop.next()).done;
    const stopped = new AbortController();
    const aborted = socket.subscribe('news', { signal: stopped.signal });
    const abortedLoop = (async () => {
      for await (const _ of aborted);
      return 'ended';
    })();
    stopped.abort();
    const refused = socket.subscribe('secret');
    const loopOver = async (): Promise<void> => {
      for await (const _ of refused);
    };
    return {
      broken,
      rest,
      isDone,
      aborted: await abortedLoop,
      refusal: await pageTab.outcome(loopOver()),
      refusalLater: await pageTab.outcome(loopOver()),
    };
  });
  await expect.poll(async () => (await backend.record()).topics).toContain('news');
  await backend.publish('news', 1, 2, 3);
  expect(await result).toEqual({
    broken: [1, 2, 3],
    rest: [4, 5],
    isDone: true,
    aborted: 'ended',
    refusal: 'forbidden',
    refusalLater: 'forbidden',
  });
});
