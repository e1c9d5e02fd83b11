import { openPage } from './harness/tab.ts';
import { expect, test } from './harness/test.ts';

/** What every promise of a socket says, and its last status. */
const outcomesScript = async (): Promise<object> => {
  const { socket } = pageTab;
  const delivery = socket.publish('news', 1);
  const outcomes = await Promise.all(
    [
      socket.subscribe('news').ready,
      delivery.stored,
      delivery.acked,
      socket.request('echo', 1),
      socket.reconnect(),
    ].map((promise) => pageTab.outcome(promise)),
  );
  await pageTab.until(() => socket.status.state === 'closed');
  const { state, lastError, host, hubId } = socket.status;
  // From now on it answers at once.
  const late = await pageTab.outcome(socket.request('echo', 1));
  await socket.close();
  return { outcomes, late, state, code: lastError?.code, host, hubId };
};

const unavailable = {
  outcomes: Array(5).fill('host-unavailable'),
  late: 'host-unavailable',
  state: 'closed',
  code: 'host-unavailable',
  host: null,
  hubId: null,
};

test('a worker URL that leads nowhere is a clear error of every promise', async ({ backend, open }) => {
  const tab = await open({ options: { worker: '/dist/nowhere.js' } });
  expect(await tab.page.evaluate(outcomesScript)).toEqual(unavailable);
  expect((await backend.record()).connections.ever).toBe(0);
});

test('a worker of another origin is a clear error of every promise', async ({ backend, site, open }) => {
  const tab = await open({ options: { worker: `${site.otherOrigin}/dist/worker.js` } });
  expect(await tab.page.evaluate(outcomesScript)).toEqual(unavailable);
  expect((await backend.record()).connections.ever).toBe(0);
});

test('a hub of the same name with another URL refuses the tab', async ({ backend, open }) => {
  const first = await open({ options: { name: 'shared' } });
  await first.reaches('open');
  const second = await open({ url: `${backend.url}?other`, options: { name: 'shared' } });
  await second.reaches('closed');
  expect(await second.page.evaluate(() => pageTab.socket.status.lastError?.code)).toBe('invalid-option');
  expect((await first.status()).tabs).toHaveLength(1);
  expect((await backend.record()).connections).toEqual({ now: 1, ever: 1 });
});

test('tabs with different names have hubs and connections of their own', async ({ backend, open }) => {
  const [first, second] = [await open({ options: { name: 'a' } }), await open({ options: { name: 'b' } })];
  const { hubId } = await first.reaches('open');
  expect((await second.reaches('open')).hubId).not.toBe(hubId);
  expect((await backend.record()).connections).toEqual({ now: 2, ever: 2 });
});

test(
  'invalid options throw an error that names them, and nothing is sent',
  { tag: '@any-host' },
  async ({ backend, site, context }) => {
    const page = await openPage(context, `${site.origin}/`);
    const thrown = await page.evaluate(async (url) => {
      const entry = '/dist/index.js';
      const { connect, ConnectionError } = await import(entry);
      const cases: Record<string, () => unknown> = {
        'not a URL': () => connect('ws://'),
        'another scheme': () => connect('ftp://example.com/'),
        'an empty name': () => connect(url, { name: '' }),
        'a long name': () => connect(url, { name: 'x'.repeat(200) }),
        'a name of another type': () => connect(url, { name: 7 }),
        'an empty token': () => connect(url, { auth: '' }),
        'auth of another type': () => connect(url, { auth: 7 }),
        'a data worker': () => connect(url, { worker: 'data:text/javascript,' }),
        'a blob worker': () => connect(url, { worker: URL.createObjectURL(new Blob(['1'])) }),
        'baseMs 0': () => connect(url, { backoff: { baseMs: 0 } }),
        'maxMs negative': () => connect(url, { backoff: { maxMs: -1 } }),
        'maxMs NaN': () => connect(url, { backoff: { maxMs: NaN } }),
        'maxMs infinite': () => connect(url, { backoff: { maxMs: Infinity } }),
        'maxMs as text': () => connect(url, { backoff: { maxMs: '5' } }),
        'maxAttempts 0': () => connect(url, { backoff: { maxAttempts: 0 } }),
        'intervalMs 0': () => connect(url, { heartbeat: { intervalMs: 0 } }),
        'connectTimeoutMs negative': () => connect(url, { connectTimeoutMs: -5 }),
        'maxEntries 0': () => connect(url, { queue: { maxEntries: 0 } }),
      };
      const result: Record<string, string> = {};
      for (const [name, run] of Object.entries(cases)) {
        try {
          run();
          result[name] = 'nothing thrown';
        } catch (error) {
          const { code, message } = error as { code: string; message: string };
          result[name] = error instanceof ConnectionError && message ? code : String(error);
        }
      }
      return result;
    }, backend.url);
    for (const [name, code] of Object.entries(thrown)) expect(code, name).toBe('invalid-option');
    expect((await backend.record()).connections.ever).toBe(0);
  },
);

test('arguments and payloads that cannot be sent throw, and nothing is sent', async ({ backend, open }) => {
  const tab = await open();
  const thrown = await tab.page.evaluate(async () => {
    const { socket } = pageTab;
    const circular: Record<string, unknown> = {};
    circular['self'] = circular;
    const codeOf = (run: () => unknown): string => {
      try {
        run();
        return 'nothing thrown';
      } catch (error) {
        return (error as { name: string }).name === 'ConnectionError'
          ? (error as { code: string }).code
          : String(error);
      }
    };
    const payloads = { bigint: 1n, circular, undefined, function: () => 1, symbol: Symbol('x') };
    return {
      publishes: Object.values(payloads).map((payload) => codeOf(() => socket.publish('news', payload))),
      requests: await Promise.all(
        Object.values(payloads).map((payload) => pageTab.outcome(socket.request('echo', payload))),
      ),
      topics: ['', 'x'.repeat(300), 7 as unknown as string].map((topic) =>
        codeOf(() => socket.publish(topic, 1)),
      ),
      subscribes: ['', 'x'.repeat(300)].map((topic) => codeOf(() => socket.subscribe(topic))),
      replays: [-1, 1.5, NaN].map((replay) => codeOf(() => socket.subscribe('news', { replay }))),
      ttls: [0, -1, NaN].map((ttlMs) => codeOf(() => socket.publish('news', 1, { ttlMs }))),
      methods: await Promise.all(
        ['', 'x'.repeat(200)].map((method) => pageTab.outcome(socket.request(method, 1))),
      ),
      timeouts: await Promise.all(
        [0, -1, NaN].map((timeoutMs) => pageTab.outcome(socket.request('echo', 1, { timeoutMs }))),
      ),
    };
  });
  for (const [what, codes] of Object.entries(thrown)) {
    const wanted = what === 'publishes' || what === 'requests' ? 'invalid-payload' : 'invalid-option';
    expect(new Set(codes), what).toEqual(new Set([wanted]));
  }
  // What is valid goes on, and is all that the server has seen.
  await tab.publish('news', 'valid');
  expect((await tab.fates()).map(({ acked }) => acked)).toEqual(['ok']);
  expect(await tab.page.evaluate(() => pageTab.socket.request('echo', 'valid'))).toBe('valid');
  const { topics, subscribes } = await backend.record();
  expect({ topics, subscribes }).toEqual({ topics: [], subscribes: {} });
  expect(await backend.lines('news')).toHaveLength(1);
});
