import type { Browser } from '@playwright/test';
import { findsAnotherHub } from './harness/checks.ts';
import { expect, test } from './harness/test.ts';
import type { PageSpec } from './harness/page-tab.ts';
import { openPage, Tab } from './harness/tab.ts';

// A hub that resumes waits until the server has run for one grace period.
const graceMs = 1_000;
// Long enough for a reconnection on a busy machine.
const longGraceMs = 6_000;

const settingsWith = (ms: number) => ({ users: true, presence: { graceMs: ms } });

test.use({ settings: settingsWith(graceMs) });

/** A tab of another browser profile, and its end. */
const openElsewhere = async (browser: Browser, origin: string, spec: PageSpec) => {
  const context = await browser.newContext();
  const tab = new Tab(await openPage(context, `${origin}/`), spec);
  await tab.connect();
  return { tab, close: () => context.close() };
};

/** What the presence lists of a tab have told. */
const told = (tab: Tab): Promise<string[]> => tab.page.evaluate(() => pageTab.presenceTold);

/** Settles once the presence lists of a tab have told so much. */
const hears = (tab: Tab, count: number): Promise<void> =>
  tab.page.evaluate((wanted) => pageTab.until(() => pageTab.presenceTold.length >= wanted), count);

/** Who is in a topic, as a tab's list says. */
const listed = (tab: Tab, topic: string): Promise<string[]> =>
  tab.page.evaluate((name) => pageTab.lists[name]!.members.map(({ identity }) => identity), topic);

const follow = (tab: Tab, topic: string): Promise<void> =>
  tab.page.evaluate((name) => pageTab.follow(name), topic);

const signal = (tab: Tab, topic: string, payload: unknown): Promise<void> =>
  tab.page.evaluate(([name, value]) => pageTab.socket.signal(name, value), [topic, payload] as const);

/** Settles once the tab has seen so many signals; gives them. */
const seesSignals = (tab: Tab, count: number): Promise<string[]> =>
  tab.page.evaluate(async (wanted) => {
    await pageTab.until(() => pageTab.signals.length >= wanted);
    return pageTab.signals;
  }, count);

test('a revocation ends the subscription in every tab with its reason, and the others go on', async ({
  backend,
  browser,
  open,
  site,
  specOf,
}) => {
  const tabs = [await open({ auth: ['ada'] }), await open({ auth: ['ada'] })];
  const { tab: bob, close } = await openElsewhere(browser, site.origin, specOf({ auth: ['bob'] }));
  for (const tab of [...tabs, bob]) await tab.subscribe(['room', 'hall']);
  const loops = tabs.map((tab) =>
    tab.page.evaluate(async () => {
      const [room] = pageTab.subscriptions;
      try {
        for await (const _ of room!);
        return 'ended in peace';
      } catch (error) {
        const { name, code, message, detail } = error as Error & { code: string; detail: string };
        return { name, code, message, detail };
      }
    }),
  );
  await backend.publish('room', 'before');
  for (const tab of [...tabs, bob]) await tab.receives('room', 1);

  await backend.forbid('ada', 'room');
  expect(await backend.revoke('ada', 'room', 'You have left the room.')).toBe(1);
  const error = { code: 'forbidden', message: 'You have left the room.' };
  for (const loop of loops) {
    expect(await loop).toEqual({ name: 'ConnectionError', detail: 'revoked', ...error });
  }
  for (const tab of tabs) {
    expect(await tab.page.evaluate(() => pageTab.ended)).toEqual([{ topic: 'room', ...error }]);
  }

  await backend.publish('room', 'after');
  await backend.publish('hall', 'on');
  await bob.receives('room', 2);
  for (const tab of [...tabs, bob]) await tab.receives('hall', 1);
  for (const tab of tabs) expect(await tab.lines('room')).toHaveLength(1);
  expect(await bob.page.evaluate(() => pageTab.ended)).toEqual([]);

  // Neither a reconnection nor the app brings it back.
  backend.proxy.cut();
  await tabs[0]!.leaves('open');
  backend.proxy.heal();
  await tabs[0]!.reaches('open');
  expect((await tabs[0]!.status()).topics).toBe(1);
  const again = await tabs[1]!.page.evaluate(() => pageTab.outcome(pageTab.subscribe('room')));
  expect(again).toBe('forbidden');
  await close();
});

test('a signal reaches the other tabs and other browsers, not its sender, and no history', async ({
  backend,
  browser,
  open,
  site,
  specOf,
}) => {
  const [sender, second] = [await open({ auth: ['ada'] }), await open({ auth: ['ada'] })];
  const { tab: bob, close } = await openElsewhere(browser, site.origin, specOf({ auth: ['bob'] }));
  for (const tab of [sender, second, bob]) await tab.subscribe('room');
  await sender.reaches('open');
  await signal(sender, 'room', { typing: true });
  for (const tab of [second, bob]) expect(await seesSignals(tab, 1)).toEqual(['room ada {"typing":true}']);
  // What comes back to the sender is behind its own, had that come.
  await signal(bob, 'room', 'seen');
  for (const tab of [sender, second]) {
    expect((await seesSignals(tab, tab === sender ? 1 : 2)).at(-1)).toBe('room bob "seen"');
  }
  expect(await seesSignals(sender, 0)).toEqual(['room bob "seen"']);
  expect(await seesSignals(bob, 0)).toEqual(['room ada {"typing":true}']);

  await backend.publish('room', 'message');
  const late = await open({ auth: ['ada'] });
  await late.subscribe('room', { replay: 10 });
  for (const tab of [sender, second, bob, late]) await tab.receives('room', 1);
  expect(await backend.lines('room')).toHaveLength(1);
  for (const tab of [sender, second, bob, late]) expect(await tab.lines('room')).toHaveLength(1);
  expect(await seesSignals(late, 0)).toEqual([]);
  await close();
});

test('a signal that cannot go at once, or is not allowed, is told as dropped and never sent', async ({
  backend,
  open,
}) => {
  const [tab, second] = [await open({ auth: ['ada'] }), await open({ auth: ['ada'] })];
  for (const each of [tab, second]) await each.subscribe('room');
  await tab.reaches('open');
  await backend.forbid('ada', 'hall');
  await signal(tab, 'hall', 'no');
  await tab.page.evaluate(() => pageTab.until(() => pageTab.signalsDropped.length === 1));

  backend.proxy.cut();
  await tab.leaves('open');
  await signal(tab, 'room', 'lost');
  backend.proxy.heal();
  await tab.reaches('open');
  await second.reaches('open');
  await signal(tab, 'room', 'sent');
  expect(await seesSignals(second, 1)).toEqual(['room ada "sent"']);
  expect(await tab.page.evaluate(() => pageTab.signalsDropped)).toEqual([
    { topic: 'hall', code: 'forbidden' },
    { topic: 'room', code: 'not-open' },
  ]);
  expect(await second.page.evaluate(() => pageTab.signalsDropped)).toEqual([]);
});

test('who closes the browser is gone after the grace period, and who closes one of two tabs stays', async ({
  browser,
  open,
  site,
  specOf,
}) => {
  const [watcher, other] = [await open({ auth: ['ada'] }), await open({ auth: ['ada'] })];
  const { tab: bob, close } = await openElsewhere(browser, site.origin, specOf({ auth: ['bob'] }));
  for (const tab of [watcher, other, bob]) await tab.subscribe('room');
  await follow(watcher, 'room');
  await other.page.close();
  await watcher.knowsTabs(1);

  const closingAt = Date.now();
  await close();
  await hears(watcher, 1);
  // Timers may be a moment early.
  expect(Date.now() - closingAt).toBeGreaterThan(graceMs - 50);
  expect(await told(watcher)).toEqual(['room -bob']);
  expect(await listed(watcher, 'room')).toEqual(['ada']);
});

test.describe('with lists that name two', () => {
  test.use({ settings: { ...settingsWith(graceMs), limits: { presenceMembers: 2 } } });

  test('who was left out is named when one of those leaves, in every tab, and told of as no join', async ({
    browser,
    open,
    site,
    specOf,
  }) => {
    const tabs = [await open({ auth: ['ada'] }), await open({ auth: ['ada'] })];
    const others = [];
    for (const name of ['bob', 'cyd', 'dan']) {
      const other = await openElsewhere(browser, site.origin, specOf({ auth: [name] }));
      await other.tab.subscribe('room');
      others.push(other);
    }
    for (const tab of tabs) {
      await follow(tab, 'room');
      expect(await listed(tab, 'room')).toEqual(['bob', 'cyd']);
    }
    await others[0]!.close();
    for (const tab of tabs) {
      await hears(tab, 1);
      expect(await told(tab)).toEqual(['room -bob']);
      expect(await listed(tab, 'room')).toEqual(['cyd', 'dan']);
    }
    for (const { close } of others.slice(1)) await close();
  });
});

test('a presence list that is revoked or not allowed ends with its reason', async ({ backend, open }) => {
  const tab = await open({ auth: ['ada'] });
  for (const topic of ['room', 'hall']) await follow(tab, topic);
  await backend.forbid('ada', 'room');
  expect(await backend.revoke('ada', 'room', 'You have left the room.')).toBe(1);
  await hears(tab, 1);
  expect(await told(tab)).toEqual(['room !forbidden: You have left the room.']);
  expect(await tab.page.evaluate(() => pageTab.outcome(pageTab.follow('room')))).toBe('forbidden');
  await tab.subscribe('hall');
  await tab.page.evaluate(() => pageTab.until(() => pageTab.presenceTold.includes('hall +ada')));
});

test('after the death of a hub a presence list tells what has changed meanwhile', async ({
  backend,
  browser,
  kill,
  open,
  openCarriers,
  site,
  specOf,
}) => {
  // Those whose path is not cut.
  const direct = `ws://127.0.0.1:${backend.process.port}/realtime`;
  const carriers = await openCarriers(1, { auth: ['ada'] });
  const tab = await open({ auth: ['ada'] });
  const { tab: bob, close } = await openElsewhere(
    browser,
    site.origin,
    specOf({ url: direct, auth: ['bob'] }),
  );
  await bob.subscribe('room');
  await follow(tab, 'room');
  expect(await listed(tab, 'room')).toEqual(['bob']);

  backend.proxy.cut();
  const { hubId } = await tab.leaves('open');
  await backend.forbid('bob', 'room');
  expect(await backend.revoke('bob', 'room', 'out')).toBe(1);
  await kill.hub([...carriers, tab]);
  const { tab: cyd, close: closeCyd } = await openElsewhere(
    browser,
    site.origin,
    specOf({ url: direct, auth: ['cyd'] }),
  );
  await cyd.subscribe('room');
  backend.proxy.heal();
  await findsAnotherHub(tab, hubId);
  await hears(tab, 2);
  expect(await told(tab)).toEqual(['room -bob', 'room +cyd']);
  expect(await listed(tab, 'room')).toEqual(['cyd']);
  await Promise.all([close(), closeCyd()]);
});

test.describe('with a grace period longer than any reconnection', () => {
  test.use({ settings: settingsWith(longGraceMs) });

  test('right after a restart of the server, who comes back to a list is told of no leaves by what a new tab asks', async ({
    backend,
    browser,
    can,
    open,
    site,
    specOf,
  }) => {
    test.skip(!can.backForwardCache, 'this browser keeps no page with a list in its memory');
    const direct = `ws://127.0.0.1:${backend.process.port}/realtime`;
    const spec = { url: direct, auth: ['ada'] };
    const { tab: bob, close } = await openElsewhere(browser, site.origin, specOf({ auth: ['bob'] }));
    await bob.subscribe('room');
    const tab = await open(spec);
    await follow(tab, 'room');
    await tab.page.goto(`${site.origin}/elsewhere`);
    backend.proxy.cut();
    await backend.process.restart();

    const fresh = await open(spec);
    await follow(fresh, 'room');
    expect(await listed(fresh, 'room')).toEqual([]);
    await tab.page.goBack({ waitUntil: 'commit' });
    await fresh.knowsTabs(2);
    backend.proxy.heal();
    await hears(fresh, 1);
    await fresh.subscribe('room');
    for (const each of [tab, fresh]) await hears(each, each === tab ? 1 : 2);
    expect(await told(fresh)).toEqual(['room +bob', 'room +ada']);
    expect(await told(tab)).toEqual(['room +ada']);
    expect(await listed(tab, 'room')).toEqual(['bob', 'ada']);
    await close();
  });

  test('presence shows identities, of whatever number of tabs, and no reconnection', async ({
    backend,
    browser,
    open,
    site,
    specOf,
  }) => {
    const tabs = [await open({ auth: ['ada'] }), await open({ auth: ['ada'] })];
    const { tab: bob, close } = await openElsewhere(browser, site.origin, specOf({ auth: ['bob'] }));
    for (const tab of [...tabs, bob]) await follow(tab, 'room');
    expect(await listed(bob, 'room')).toEqual([]);
    for (const tab of tabs) await tab.subscribe('room');
    for (const tab of [...tabs, bob]) await hears(tab, 1);
    await bob.subscribe('room');
    for (const tab of [...tabs, bob]) await hears(tab, 2);
    for (const tab of [...tabs, bob]) {
      expect(await told(tab)).toEqual(['room +ada', 'room +bob']);
      expect(await listed(tab, 'room')).toEqual(['ada', 'bob']);
    }

    const { connections } = await backend.record();
    backend.proxy.cut();
    for (const tab of [...tabs, bob]) await tab.leaves('open');
    for (const tab of [...tabs, bob]) expect(await listed(tab, 'room')).toEqual(['ada', 'bob']);
    backend.proxy.heal();
    for (const tab of [...tabs, bob]) await tab.reaches('open');
    expect((await backend.record()).connections.ever).toBeGreaterThanOrEqual(connections.ever + 2);

    // The first that anybody is told since is this.
    const { tab: cyd, close: closeCyd } = await openElsewhere(
      browser,
      site.origin,
      specOf({ auth: ['cyd'] }),
    );
    await cyd.subscribe('room');
    for (const tab of [...tabs, bob]) await hears(tab, 3);
    for (const tab of [...tabs, bob]) {
      expect(await told(tab)).toEqual(['room +ada', 'room +bob', 'room +cyd']);
    }
    const { members, count } = await backend.presence('room');
    expect([members.map(({ identity }) => identity), count]).toEqual([['ada', 'bob', 'cyd'], 3]);
    await Promise.all([close(), closeCyd()]);
  });
});
