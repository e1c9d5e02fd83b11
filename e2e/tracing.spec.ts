import type { Page } from '@playwright/test';
import type { TraceContext } from 'onesocket';
import { findsAnotherHub, storesAll } from './harness/checks.ts';
import type { PageSpec } from './harness/page-tab.ts';
import { openPage, Tab } from './harness/tab.ts';
import { expect, test } from './harness/test.ts';

test.use({ settings: { traces: true } });

/** The trace that the app of a page is in, by the number of what it does. */
const traceId = (digit: string): string => digit.repeat(32);
const traceparent = (digit: string): string => `00-${traceId(digit)}-${'b'.repeat(16)}-01`;
const idOf = (parent: string | null | undefined): string | undefined => parent?.split('-')[1];

/** Where the page says that it is. */
const enter = (page: Page, digit: string): Promise<void> =>
  page.evaluate((now) => void Object.assign(globalThis, { traceNow: now }), {
    traceparent: traceparent(digit),
  });

/** Connects with a `trace` that gives what was entered last: functions cannot be handed over to a page. */
const connectTraced = (page: Page, spec: PageSpec): Promise<void> =>
  page.evaluate(
    (given) =>
      pageTab.connect(
        Object.assign({}, given, {
          options: Object.assign({}, given.options, {
            trace: () => (globalThis as unknown as { traceNow?: TraceContext }).traceNow,
          }),
        }),
      ),
    spec,
  );

test('what a tab does, and what the server does about it, is one trace, up to who gets the message', async ({
  backend,
  context,
  open,
  site,
  specOf,
}) => {
  const page = await openPage(context, `${site.origin}/`);
  await enter(page, '1');
  await connectTraced(page, specOf());
  const tab = new Tab(page, specOf());
  await tab.reaches('open');
  await tab.subscribe('news');
  const other = await open();
  const received = other.page.evaluate(async () => {
    const subscription = pageTab.socket.subscribe('news');
    const message = new Promise<TraceContext | undefined>((resolve) =>
      subscription.onMessage(({ trace }) => resolve(trace)),
    );
    await subscription.ready;
    Object.assign(globalThis, { isListening: true });
    return message;
  });
  await other.page.waitForFunction(() => 'isListening' in globalThis);
  await enter(page, '2');
  await tab.publish('news', 'hello');
  await tab.fates();
  await enter(page, '3');
  expect(await page.evaluate(() => pageTab.socket.request('echo', 7))).toBe(7);

  const { spans, tracedCalls } = await backend.record();
  expect(spans).toEqual([
    { kind: 'subscribe', topic: 'news', traceparent: traceparent('1') },
    { kind: 'publish', topic: 'news', traceparent: traceparent('2') },
    { kind: 'request', topic: 'echo', traceparent: traceparent('3') },
  ]);
  expect(tracedCalls.map((each) => [each.call, idOf(each.traceparent)])).toEqual([
    ['authorize', traceId('1')],
    ['authorize', traceId('2')],
    ['onPublish', traceId('2')],
    ['authorize', traceId('3')],
    ['echo', traceId('3')],
  ]);
  // The server's own span is the parent of what follows, in the trace of the click.
  const arrived = await received;
  expect(idOf(arrived?.traceparent)).toBe(traceId('2'));
  expect(arrived?.traceparent).not.toBe(traceparent('2'));
});

test('a tab that is in no trace sends none, and its messages have none', async ({ backend, open }) => {
  const tab = await open();
  const trace = await tab.page.evaluate(async () => {
    const subscription = pageTab.socket.subscribe('news');
    const message = new Promise<boolean>((resolve) =>
      subscription.onMessage((each) => resolve('trace' in each)),
    );
    await subscription.ready;
    pageTab.publish('news', 1);
    return message;
  });
  expect(trace).toBe(false);
  const { spans } = await backend.record();
  expect(spans.map((each) => each.traceparent)).toEqual([null, null]);
});

test('a message that is sent by the hub after the one that stored it still belongs to its click', async ({
  backend,
  can,
  context,
  kill,
  openCarriers,
  site,
  specOf,
}) => {
  test.skip(can.cannotKill !== false, String(can.cannotKill));
  const carriers = await openCarriers(1);
  const page = await openPage(context, `${site.origin}/`);
  await connectTraced(page, specOf());
  const tab = new Tab(page, specOf());
  const { hubId } = await tab.reaches('open');
  backend.proxy.cut();
  await tab.leaves('open');
  await enter(page, '4');
  await storesAll(tab, 'news', ['kept']);
  // What is asked again now would be in another trace.
  await enter(page, '5');
  await kill.hub([...carriers, tab]);
  backend.proxy.heal();
  await findsAnotherHub(tab, hubId);
  await tab.fates();
  const { spans } = await backend.record();
  expect(spans).toEqual([{ kind: 'publish', topic: 'news', traceparent: traceparent('4') }]);
});

test('socket.metrics() tells what hub and tab have done, for both tabs of the hub', async ({ open }) => {
  const [first, second] = [await open(), await open()];
  await first.publish('news', 1, 2);
  await first.fates();
  const metrics = (tab: Tab) => tab.page.evaluate(() => pageTab.socket.metrics());
  const [own, others] = [await metrics(first), await metrics(second)];
  expect(own.tab).toMatchObject({ hubsJoined: 1, entriesPublished: 2, entriesPending: 0 });
  expect(others.tab).toMatchObject({ hubsJoined: 1, entriesPublished: 0 });
  for (const { hub } of [own, others]) {
    expect(hub).toMatchObject({ connectAttempts: 1, connectsDone: 1, entriesTaken: 2, entriesAcked: 2 });
    expect(hub.commits.count).toBeGreaterThan(0);
    expect(hub.bytesSent).toBeGreaterThan(0);
    expect(hub.bytesReceived).toBeGreaterThan(0);
  }
});
