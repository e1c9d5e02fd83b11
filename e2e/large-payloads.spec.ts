import { createHash } from 'node:crypto';
import type { Backend } from './harness/backend.ts';
import { createMeteredPath, type MeteredPath } from './harness/metered-path.ts';
import type { Tab } from './harness/tab.ts';
import { expect, test } from './harness/test.ts';

const mib = 1024 * 1024;
/** So many chunks that a transfer has a middle; the path lets some 7 MB through in a second. */
const size = 8 * mib;
const largeSize = 20 * mib;

/** Puts a slow path with a meter between the proxy and the server. */
const metered = async (backend: Backend): Promise<MeteredPath> => {
  const path = await createMeteredPath(backend.process.port);
  backend.proxy.setTarget(path.port);
  return path;
};

/** Bytes of which no two stretches are the same, and their hash. The page makes the same ones. */
const hashOf = (bytes: number): string => {
  const words = new Uint32Array(bytes / 4);
  for (let index = 0, word = 1; index < words.length; index++) {
    words[index] = word = (Math.imul(word, 1_664_525) + 1_013_904_223) >>> 0;
  }
  return createHash('sha256').update(words).digest('hex');
};

/** Publishes a Blob of so many bytes to `files`, and notes its progress in `events`. */
const publishBlob = (tab: Tab, bytes: number): Promise<string> =>
  tab.page.evaluate((length) => {
    const words = new Uint32Array(length / 4);
    for (let index = 0, word = 1; index < words.length; index++) {
      words[index] = word = (Math.imul(word, 1_664_525) + 1_013_904_223) >>> 0;
    }
    globalThis.events ??= [];
    globalThis.abort = new AbortController();
    const onProgress = (ratio: number): void => {
      events.push(ratio === 1 ? 'up: all' : 'up');
      pageTab.changed();
    };
    const blob = new Blob([words], { type: 'text/x-test' });
    return pageTab.publish('files', blob, { onProgress, signal: abort.signal }).id;
  }, bytes);

/** Subscribes to `files`, and notes what comes, with the hash of its content, in `events`. */
const watchFiles = (tab: Tab): Promise<void> =>
  tab.page.evaluate(async () => {
    globalThis.events ??= [];
    const hex = async (content: ArrayBuffer): Promise<string> => {
      const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', content));
      return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
    };
    const files = pageTab.socket.subscribe('files');
    pageTab.subscriptions.push(files);
    files.onProgress(({ ratio }) => {
      events.push(ratio === 1 ? 'down: all' : 'down');
      pageTab.changed();
    });
    files.onGap(({ reason }) => events.push(`gap: ${reason}`));
    files.onMessage(({ payload }) => {
      const note = { at: events.push('file: reading') - 1 };
      const told = (text: string): void => {
        events[note.at] = `file: ${text}`;
        pageTab.changed();
      };
      if (payload instanceof Blob) {
        const { type } = payload;
        void payload.arrayBuffer().then(async (content) => told(`blob ${type} ${await hex(content)}`));
      } else if (payload instanceof ArrayBuffer) {
        void hex(payload).then((hash) => told(`bytes ${hash}`));
      } else {
        const text = typeof payload === 'string' && payload.length > 100 ? String(payload.length) : payload;
        told(JSON.stringify(text));
      }
    });
    await files.ready;
  });

const eventsOf = (tab: Tab): Promise<string[]> => tab.page.evaluate(() => events);
const files = async (tab: Tab): Promise<string[]> =>
  (await eventsOf(tab)).filter((event) => event.startsWith('file: '));

/** Settles once a tab has so many messages of `files`. */
const receivesFiles = (tab: Tab, count: number): Promise<void> =>
  tab.page.evaluate(
    (wanted) =>
      pageTab.until(() => {
        const all = events.filter((event) => event.startsWith('file: '));
        return all.length >= wanted && !all.includes('file: reading');
      }),
    count,
  );

const fateOf = async (tab: Tab, id: string) => (await tab.fates()).find((each) => each.id === id)!;

/** What the server has accepted in `files`, without offsets and ids. */
const accepted = async (backend: Backend): Promise<string[]> =>
  (await backend.lines('files')).map((line) => line.split(' ').slice(2).join(' '));

const inFull = (bytes: number): string => `file: blob text/x-test ${hashOf(bytes)}`;
const atServer = (bytes: number): string => `blob:${bytes}:${hashOf(bytes)}`;

declare global {
  /** What a page has seen of large messages, in order. */
  var events: string[];
  var abort: AbortController;
}

test.describe.configure({ timeout: 90_000 });

test('20 MB go up and down while a chat goes on, and what is behind them in their topic waits', async ({
  backend,
  open,
}) => {
  await using _path = await metered(backend);
  const [tab, other] = [await open(), await open()];
  for (const each of [tab, other]) await watchFiles(each);
  for (const each of [tab, other]) {
    await each.page.evaluate(async () => {
      const chat = pageTab.socket.subscribe('chat');
      chat.onMessage(({ payload }) => void events.push(`chat ${payload as number}`));
      await chat.ready;
    });
  }
  // Each tab answers the other one's messages for as long as the large one is on its way.
  await other.page.evaluate(() => {
    pageTab.socket.subscribe('chat').onMessage(({ payload }) => {
      if ((payload as number) % 2 === 0) pageTab.socket.publish('chat', (payload as number) + 1);
    });
  });
  await tab.page.evaluate(() => {
    pageTab.socket.subscribe('chat').onMessage(({ payload }) => {
      const isDone = events.some((event) => event.startsWith('file: blob'));
      if ((payload as number) % 2 === 1 && !isDone) pageTab.socket.publish('chat', (payload as number) + 1);
    });
  });
  await publishBlob(tab, largeSize);
  await tab.publish('files', 'behind');
  await tab.publish('chat', 0);
  for (const each of [tab, other]) {
    await receivesFiles(each, 2);
    expect(await files(each)).toEqual([inFull(largeSize), 'file: "behind"']);
  }
  expect(await accepted(backend)).toEqual([atServer(largeSize), '"behind"']);
  expect((await tab.fates()).map(({ acked }) => acked)).toEqual(['ok', 'ok', 'ok']);
  const seen = await eventsOf(tab);
  for (const direction of ['up', 'down']) {
    const all = seen.flatMap((event, index) => (event === direction ? [index] : []));
    const during = seen.slice(all[0], all.at(-1));
    const chats = during.filter((event) => event.startsWith('chat')).map((event) => Number(event.slice(5)));
    expect(chats.length, direction).toBeGreaterThan(10);
    // In order, and spread over the whole of it.
    expect(chats).toEqual(chats.toSorted((a, b) => a - b));
    for (const half of [during.slice(0, during.length / 2), during.slice(during.length / 2)]) {
      expect(half.some((event) => event.startsWith('chat'))).toBe(true);
    }
  }
});

test('JSON and bytes above 64 KiB arrive as what they were', async ({ backend, open }) => {
  const tab = await open();
  await watchFiles(tab);
  await tab.page.evaluate(async () => {
    pageTab.publish('files', new Uint8Array(300_000).buffer);
    // Fewer characters than 64 KiB, but more bytes.
    pageTab.publish('files', 'é'.repeat(40_000));
    pageTab.publish('files', 'small');
    pageTab.publish('files', new Blob([]));
    await pageTab.until(() => pageTab.published.every(({ acked }) => acked !== 'pending'));
  });
  await receivesFiles(tab, 4);
  const sha = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
  expect(await files(tab)).toEqual([
    `file: bytes ${sha(new Uint8Array(300_000))}`,
    'file: "40000"',
    'file: "small"',
    `file: blob  ${sha(new Uint8Array(0))}`,
  ]);
  expect((await accepted(backend)).map((text) => text.split(':').slice(0, 2).join(':'))).toEqual([
    'bytes:300000',
    'json:80002',
    '"small"',
    'blob:0',
  ]);
});

test('an upload goes on where it was after the connection was cut', async ({ backend, open }) => {
  await using path = await metered(backend);
  const tab = await open();
  await tab.reaches('open');
  const id = await publishBlob(tab, size);
  for (const part of [0.3, 0.6]) {
    await path.until('up', part * size);
    backend.proxy.cut();
    await tab.leaves('open');
    backend.proxy.heal();
  }
  expect(await fateOf(tab, id)).toMatchObject({ stored: 'ok', acked: 'ok' });
  expect(await accepted(backend)).toEqual([atServer(size)]);
  expect(path.passed.up).toBeLessThan(1.3 * size);
  const ratios = (await eventsOf(tab)).filter((event) => event.startsWith('up'));
  expect(ratios.at(-1)).toBe('up: all');
});

test('an upload begins anew at a server that was restarted in the middle', async ({ backend, open }) => {
  await using path = await metered(backend);
  const tab = await open();
  await tab.reaches('open');
  const id = await publishBlob(tab, size);
  await tab.publish('files', 'behind');
  await path.until('up', size / 2);
  await backend.process.restart();
  expect(await fateOf(tab, id)).toMatchObject({ stored: 'ok', acked: 'ok' });
  await tab.fates();
  expect(await accepted(backend)).toEqual([atServer(size), '"behind"']);
});

test('an upload goes on when its tab is closed in the middle', async ({ backend, open }) => {
  await using path = await metered(backend);
  const [tab, other] = [await open(), await open()];
  await watchFiles(other);
  await publishBlob(tab, size);
  await tab.page.evaluate(() => pageTab.until(() => pageTab.published[0]!.stored === 'ok'));
  await path.until('up', size / 4);
  await tab.page.close();
  await receivesFiles(other, 1);
  expect(await files(other)).toEqual([inFull(size)]);
  expect(path.passed.up).toBeLessThan(1.3 * size);
});

test('an upload goes on when the hub is killed in the middle', async ({
  backend,
  can,
  kill,
  open,
  openCarriers,
}) => {
  test.skip(can.cannotKill !== false, String(can.cannotKill));
  await using path = await metered(backend);
  const carriers = await openCarriers(1);
  const tab = await open();
  await watchFiles(tab);
  const id = await publishBlob(tab, size);
  await tab.publish('files', 'behind');
  await tab.page.evaluate(() =>
    pageTab.until(() => pageTab.published.every(({ stored }) => stored === 'ok')),
  );
  await path.until('up', size / 2);
  await kill.hub([...carriers, tab]);
  expect(await fateOf(tab, id)).toMatchObject({ stored: 'ok', acked: 'ok' });
  await receivesFiles(tab, 2);
  expect(await files(tab)).toEqual([inFull(size), 'file: "behind"']);
  expect(await accepted(backend)).toEqual([atServer(size), '"behind"']);
  expect(path.passed.up).toBeLessThan(1.5 * size);
});

test('an upload is found again after a reload of its page', async ({ backend, open }) => {
  await using path = await metered(backend);
  const tab = await open();
  await tab.reaches('open');
  const id = await publishBlob(tab, size);
  await tab.page.evaluate(() => pageTab.until(() => pageTab.published[0]!.stored === 'ok'));
  await path.until('up', size / 4);
  await tab.page.reload();
  await tab.connect();
  const found = await tab.page.evaluate(async (entryId) => {
    const entries = await pageTab.socket.outbox.entries();
    const delivery = pageTab.socket.outbox.delivery(entryId);
    const outcomes = [pageTab.outcome(delivery.stored), pageTab.outcome(delivery.acked)];
    const pending = entries.map(({ id, payload }) => [id, payload instanceof Blob && payload.size]);
    return { pending, outcomes: await Promise.all(outcomes) };
  }, id);
  expect(found).toEqual({ pending: [[id, size]], outcomes: ['ok', 'ok'] });
  expect(await accepted(backend)).toEqual([atServer(size)]);
});

test('an upload that is aborted lets through what waited behind it', async ({ backend, open }) => {
  await using path = await metered(backend);
  const tab = await open();
  await tab.reaches('open');
  const id = await publishBlob(tab, size);
  await tab.publish('files', 'behind');
  await path.until('up', size / 4);
  await tab.page.evaluate(() => abort.abort());
  expect(await fateOf(tab, id)).toMatchObject({ acked: 'aborted' });
  expect((await tab.fates()).map(({ acked }) => acked)).toEqual(['aborted', 'ok']);
  expect(await accepted(backend)).toEqual(['"behind"']);
  expect(path.passed.up).toBeLessThan(size / 2);
});

test.describe('a server with a bound', () => {
  test.use({ settings: { limits: { transferBytes: mib } } });

  test('refuses what is larger before any of it is sent', async ({ backend, open }) => {
    await using path = await metered(backend);
    const tab = await open();
    const id = await publishBlob(tab, size);
    const small = await publishBlob(tab, mib / 2);
    expect(await fateOf(tab, id)).toMatchObject({ acked: 'too-large' });
    expect(await fateOf(tab, small)).toMatchObject({ acked: 'ok' });
    expect(await accepted(backend)).toEqual([`blob:${mib / 2}:${hashOf(mib / 2)}`]);
    expect(path.passed.up).toBeLessThan(mib);
  });
});

test('a download goes on where it was after the connection was cut', async ({ backend, open }) => {
  await using path = await metered(backend);
  const tab = await open();
  await watchFiles(tab);
  const before = path.passed.down;
  await backend.publish('files', 'x'.repeat(size), 'behind');
  for (const part of [0.3, 0.6]) {
    await path.until('down', before + part * size);
    backend.proxy.cut();
    await tab.leaves('open');
    backend.proxy.heal();
  }
  await receivesFiles(tab, 2);
  expect(await files(tab)).toEqual([`file: "${size}"`, 'file: "behind"']);
  expect((await eventsOf(tab)).some((event) => event.startsWith('gap'))).toBe(false);
  expect(path.passed.down - before).toBeLessThan(1.3 * size);
});
