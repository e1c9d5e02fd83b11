import { expect, test } from './harness/test.ts';

// Tokens name the user before the slash: `ada/1`. Those of `nobody` are refused.

const upgrades = ['subprotocol', 'query'] as const;

test.describe('tokens that live for three seconds', () => {
  test.use({ settings: { users: true, tokenLifeMs: 3_000, tokens: { subprotocol: true, query: 'token' } } });

  for (const tokenBy of ['message', ...upgrades] as const) {
    test(`are replaced over the one open connection, where the first comes by ${tokenBy}`, async ({
      backend,
      open,
    }) => {
      const tab = await open({ auth: ['ada/1', 'ada/2', 'ada/3', 'ada/4'], options: { tokenBy } });
      await tab.reaches('open');
      await expect.poll(async () => (await backend.record()).tokens.length).toBeGreaterThanOrEqual(3);
      const { tokens, connections } = await backend.record();
      expect(tokens.slice(0, 3)).toEqual(['ada/1', 'ada/2', 'ada/3']);
      expect(connections).toEqual({ now: 1, ever: 1 });
      const states = await tab.page.evaluate(() => pageTab.statuses.map(({ status }) => status.state));
      expect(states.slice(states.indexOf('open')).filter((state) => state !== 'open')).toEqual([]);
    });
  }

  test('end the connection where no new one comes, and the next connection begins with a new one', async ({
    backend,
    open,
  }) => {
    const tab = await open({ auth: ['ada/1', { throws: 'offline' }] });
    await tab.reaches('open');
    expect((await tab.leaves('open')).lastError?.detail).toBe('4419');
    await tab.page.evaluate(() => {
      pageTab.auth = ['ada/2'];
      pageTab.authCalls = 0;
    });
    await tab.reaches('open');
    const { tokens, connections } = await backend.record();
    expect(tokens.slice(0, 2)).toEqual(['ada/1', 'ada/2']);
    expect(connections.ever).toBe(2);
  });
});

test.describe('a token in a cookie', () => {
  test.use({
    settings: async ({ site }, use) =>
      use({
        users: true,
        tokenLifeMs: 2_000,
        tokens: { cookie: 'session' },
        origins: [site.origin],
      }),
  });

  test('opens without auth, and the hub connects anew when it expires', async ({
    backend,
    context,
    open,
  }) => {
    await context.addCookies([{ name: 'session', value: 'ada/1', domain: '127.0.0.1', path: '/' }]);
    const tab = await open({ options: { tokenBy: 'cookie' } });
    await tab.reaches('open');
    await expect.poll(async () => (await backend.record()).connections.ever).toBeGreaterThanOrEqual(2);
    await tab.reaches('open');
    expect((await tab.status()).lastError).toBeNull();
  });
});

test.describe('users', () => {
  test.use({ settings: { users: true } });

  test('who change have a session and an outbox of their own, and neither sends what the other queued', async ({
    backend,
    open,
  }) => {
    const as = (identity: string) => open({ auth: [`${identity}/1`], options: { identity } });
    const ada = await as('ada');
    await ada.reaches('open');
    backend.proxy.cut();
    await ada.leaves('open');
    await ada.page.evaluate(() => pageTab.socket.publish('news', 'of ada').stored);
    await ada.page.close();

    backend.proxy.heal();
    const bob = await as('bob');
    await bob.reaches('open');
    expect(await bob.page.evaluate(async () => (await pageTab.socket.outbox.entries()).length)).toBe(0);
    await bob.publish('news', 'of bob');
    await bob.fates();
    expect((await backend.lines('news')).join()).not.toContain('of ada');

    await as('ada');
    await expect.poll(async () => (await backend.lines('news')).join()).toContain('of ada');
    expect((await bob.status()).state).toBe('open');
  });

  test('are refused the session of another', async ({ open }) => {
    const tab = await open({ auth: ['bob/1'], options: { identity: 'ada' } });
    expect((await tab.reaches('suspended')).lastError).toMatchObject({ code: 'forbidden', detail: '4403' });
  });
});

test.describe('a canary as the token', () => {
  test.use({ settings: { users: true, tokens: { subprotocol: true, query: 'token' } } });

  for (const tokenBy of ['message', ...upgrades] as const) {
    test(
      `by ${tokenBy} is in no store, status, error or console of the browser`,
      { tag: '@any-host' },
      async ({ backend, context, open }) => {
        const seen: string[] = [];
        context.on('console', (message) => seen.push(message.text()));
        // In the page, where the console of the hub is that of the page.
        const options = { tokenBy, host: 'page' } as const;
        const tab = await open({ auth: ['ada/canary-4c2d'], options });
        await tab.reaches('open');
        await tab.subscribe('news');
        await tab.publish('news', 'hello');
        await tab.fates();
        await tab.page.evaluate(() => {
          pageTab.auth = ['nobody/canary-4c2d'];
          pageTab.authCalls = 0;
          return pageTab.outcome(pageTab.socket.reconnect());
        });
        const { lastError } = await tab.reaches('suspended');
        expect(lastError?.detail).toBe('4401');
        await tab.page.evaluate(`console.log('the console is heard')`);
        seen.push(await tab.page.evaluate(() => JSON.stringify(pageTab.statuses)));
        seen.push(await tab.page.evaluate(dumpDatabases));
        expect((await backend.record()).tokens).toEqual(['ada/canary-4c2d', 'nobody/canary-4c2d']);
        const all = seen.join('\n');
        for (const place of ['the console is heard', 'suspended', 'ada']) expect(all).toContain(place);
        expect(all).not.toContain('canary');
        expect(all).not.toContain('Y2FuYXJ5');
      },
    );
  }
});

/** Everything in every database of the origin, as text. Runs in the page. */
async function dumpDatabases(): Promise<string> {
  const settled = <T>(request: IDBRequest<T>): Promise<T> =>
    new Promise((resolve, reject) => {
      request.addEventListener('success', () => resolve(request.result));
      request.addEventListener('error', () => reject(request.error ?? new Error('failed')));
    });
  const found: unknown[] = [];
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
