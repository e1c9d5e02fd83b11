import type { BrowserContext } from '@playwright/test';
import type { ConnectOptions } from 'onesocket';
import { sharedWorkersOf } from './harness/shared-workers.ts';
import type { Tab } from './harness/tab.ts';
import { expect, quickBackoff, test } from './harness/test.ts';

// Tokens name the user before the slash: those of `nobody` are refused, and so on.
const good = 'ada/canary-4c2d';
const refused = 'nobody/canary-4c2d';
const quoted = 'quoted/canary-4c2d';
const broken = 'broken/canary-4c2d';
const expired = 'late/canary-4c2d';
const tokens = [good, refused, quoted, broken, expired];
const carriers = ['message', 'subprotocol', 'query', 'cookie'] as const;
const cookie = 'session';

test.use({
  settings: async ({ site }, use) =>
    use({
      users: true,
      inspected: true,
      tokens: { subprotocol: true, query: 'token', cookie },
      origins: [site.origin],
    }),
});

/** What a text must not have in it: no token, whole or encoded, and no part of the canary. */
const traces = tokens.flatMap((token) => [
  'canary',
  encodeURIComponent(token),
  // Without what the neighbours of a token would change.
  Buffer.from(token).toString('base64url').slice(4, -4),
  Buffer.from(token).toString('hex'),
]);

const setCookie = (context: BrowserContext, value: string, domain = '127.0.0.1'): Promise<void> =>
  context.addCookies([{ name: cookie, value, domain, path: '/' }]);

/** Everything in every store of the origin, as text. Runs in the page. */
async function dumpStores(): Promise<string> {
  const settled = <T>(request: IDBRequest<T>): Promise<T> =>
    new Promise((resolve, reject) => {
      request.addEventListener('success', () => resolve(request.result));
      request.addEventListener('error', () => reject(request.error ?? new Error('failed')));
    });
  const found: unknown[] = [{ ...localStorage }, { ...sessionStorage }, await caches.keys()];
  for (const { name } of await indexedDB.databases()) {
    const database = await settled(indexedDB.open(name!));
    for (const store of database.objectStoreNames) {
      const objects = database.transaction(store).objectStore(store);
      const [keys, values] = await Promise.all([settled(objects.getAllKeys()), settled(objects.getAll())]);
      found.push(name, store, keys, values);
    }
    database.close();
  }
  return JSON.stringify(found);
}

/** All that a tab, and whoever asks through it, can see of the connection. Runs in the page. */
async function dumpTab(): Promise<string> {
  const { socket, statuses, published, dropped } = pageTab;
  const [metrics, entries] = [await socket.metrics(), await socket.outbox.entries()];
  return JSON.stringify([statuses, published, dropped, metrics, entries, performance.getEntries()]);
}

/** Connects once more, and gives all that the error says. Runs in the page. */
const reconnectFailing = (): Promise<string> =>
  pageTab.socket.reconnect().then(
    () => 'open',
    (error: Error) => [error.stack, error.cause, JSON.stringify(error)].join(' '),
  );

for (const tokenBy of carriers) {
  test(`a token by ${tokenBy}, good, refused or expired, is in no store, status, error, console, log or metric`, async ({
    backend,
    browser,
    can,
    context,
    open,
  }) => {
    const seen: string[] = [];
    context.on('console', (message) => seen.push(message.text()));
    context.on('weberror', (event) => seen.push(String(event.error().stack)));
    const isCookie = tokenBy === 'cookie';
    const give = async (tab: Tab, token: string): Promise<void> => {
      if (isCookie) return setCookie(context, token);
      await tab.page.evaluate((next) => {
        pageTab.auth = [next];
        pageTab.authCalls = 0;
      }, token);
    };
    if (isCookie) await setCookie(context, good);
    const options: ConnectOptions = { tokenBy, backoff: { ...quickBackoff, maxAttempts: 3 } };
    const tab = await open(isCookie ? { options } : { options, auth: [good] });
    await tab.reaches('open');
    await tab.subscribe('news');
    await tab.publish('news', 'hello');
    await tab.fates();
    seen.push(await backend.inspect());

    for (const [token, code] of [
      [refused, '4401'],
      [quoted, '4401'],
      [broken, '4401'],
      [expired, '4419'],
    ] as const) {
      await give(tab, token);
      seen.push(await tab.page.evaluate(reconnectFailing));
      expect((await tab.reaches('suspended')).lastError?.detail).toBe(code);
    }
    expect([...new Set((await backend.record()).tokens)]).toEqual(tokens);

    await tab.page.evaluate(() => pageTab.socket.publish('news', 'kept').stored);
    await tab.page.evaluate(`console.log('the console is heard')`);
    if (can.killHubAlone) seen.push(await (await sharedWorkersOf(browser)).consoles('the hub is heard'));
    for (const dump of [dumpStores, dumpTab]) seen.push(await tab.page.evaluate(dump));
    seen.push(await backend.inspect());
    const all = seen.join('\n');
    expect(traces.filter((trace) => all.includes(trace))).toEqual([]);
    // Each place was looked at.
    const places = ['the console is heard', 'onesocket:', '"kept"', 'suspended', '4419', 'connectAttempts'];
    places.push('no such token: [token]', 'cannot read [token]', 'authenticate failed');
    places.push('/metrics 200', 'onesocket_auth_failures_total{reason="expired"}', '/admin/connections 200');
    places.push('"identity":"ada"', '"outcome":"done"');
    if (can.killHubAlone) places.push('"value":"the hub is heard"');
    expect(places.filter((place) => !all.includes(place))).toEqual([]);
  });
}

test('a cookie that comes along from another origin is refused before anybody looks at it, and shown nowhere', async ({
  backend,
  context,
  open,
  site,
}) => {
  await setCookie(context, good, 'localhost');
  const options: ConnectOptions = { tokenBy: 'cookie', backoff: { ...quickBackoff, maxAttempts: 2 } };
  // Of the same site, so that the browser sends the cookie.
  const url = backend.url.replace('127.0.0.1', 'localhost');
  const tab = await open({ url, options }, site.otherOrigin);
  expect((await tab.reaches('suspended')).lastError).toMatchObject({ code: 'disconnected' });
  expect(await backend.record()).toMatchObject({ tokens: [], connections: { ever: 0 } });
  const shown = await backend.inspect();
  expect(shown).toContain('onesocket_limits_hit_total{limit="origin"} 2');
  expect(traces.filter((trace) => shown.includes(trace))).toEqual([]);
});
