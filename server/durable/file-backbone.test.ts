import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  mkdtempSync,
  openSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { open } from 'lmdb';
import { afterEach, describe, expect, it } from 'vitest';
import { backboneConformance, largePayload } from '../backbone-conformance.ts';
import type { Backbone } from '../backbone.ts';
import { systemClock } from '../clock.ts';
import { failingConformance, reopeningConformance } from '../durable-conformance.ts';
import { defaultLimits } from '../limits.ts';
import { VirtualClock } from '../virtual-clock.ts';
import { DurableBackbone } from './durable-backbone.ts';
import { failingStore } from './failing-store.ts';
import { fileBackbone, openDirectory, type FileBackboneOptions } from './file-backbone.ts';

const limits = { historyMessages: 10, topics: 10, clients: 10, clientMemoryMs: 1000 };
const all = { maxMessages: 10_000, maxBytes: 1e9 };
const opened: Backbone[] = [];
const dirs: string[] = [];

const newDir = () => {
  const dir = mkdtempSync(join(tmpdir(), 'onesocket-'));
  dirs.push(dir);
  return dir;
};

async function openIn(dir: string, options: FileBackboneOptions = { limits }): Promise<Backbone> {
  const backbone = await fileBackbone(dir, options);
  opened.push(backbone);
  return backbone;
}

/** A clock whose time stands still until told, but which lets calls go on. */
class SlowClock extends VirtualClock {
  override defer(run: () => void): void {
    systemClock.defer(run);
  }

  override setTimer(run: () => void, delayMs: number) {
    return systemClock.setTimer(run, delayMs);
  }
}

const message = (topic: string, payload = '1') => ({ topic, id: 'id', ts: 1, payload });

afterEach(async () => {
  for (const backbone of opened.splice(0)) await backbone.close();
  for (const dir of dirs.splice(0)) rmSync(dir, { recursive: true, force: true });
});

describe('the file backbone', () => {
  it.each(backboneConformance)('$name', async ({ run }) => run(await openIn(newDir())));

  it.each(reopeningConformance)('$name', async ({ run }) => {
    const dir = newDir();
    let backbone = await openIn(dir);
    const reopen = async () => {
      await backbone.close();
      backbone = await openIn(dir);
      return backbone;
    };
    await run({ backbone, reopen });
  });

  it.each(failingConformance)('$name', async ({ run }) => {
    const dir = newDir();
    const { store: inner, release } = await openDirectory(dir);
    const { store, failNext } = failingStore(inner);
    const bounds = { ...defaultLimits, ...limits };
    const backbone = new DurableBackbone(store, {
      bounds,
      clock: systemClock,
      randomId: () => crypto.randomUUID(),
      closed: release,
    });
    opened.push(backbone);
    const reopen = async () => {
      await backbone.close();
      return openIn(dir);
    };
    await run({ backbone, reopen, failNext });
  });

  it('answers no publish before the transaction, and all of one turn in one', async () => {
    const { store: inner, release } = await openDirectory(newDir());
    let commits = 0;
    const store = Object.assign(Object.create(inner) as typeof inner, {
      commit: (changes: Parameters<typeof inner.commit>[0]) => {
        commits++;
        inner.commit(changes);
      },
      close: () => inner.close(),
      topics: () => inner.topics(),
      clients: () => inner.clients(),
    });
    const backbone = new DurableBackbone(store, {
      bounds: defaultLimits,
      clock: systemClock,
      randomId: () => 'epoch',
      closed: release,
    });
    opened.push(backbone);
    const results = Array.from({ length: 500 }, () => backbone.publish(message('t')));
    expect([backbone.head('t').offset, commits]).toEqual([0, 0]);
    await Promise.all(results);
    expect([backbone.head('t').offset, commits]).toEqual([500, 1]);
  });
});

describe('its bounds', () => {
  it('hold for topics, over restarts, and on the disk', async () => {
    const dir = newDir();
    const bounds = { ...limits, topics: 2 };
    let backbone = await openIn(dir, { limits: bounds });
    for (const topic of ['a', 'b', 'a', 'c']) await backbone.publish(message(topic));
    const offsets = async () =>
      Promise.all(['a', 'b', 'c'].map(async (topic) => (await backbone.head(topic)).offset));
    expect(await offsets()).toEqual([2, 0, 1]);
    await backbone.close();
    backbone = await openIn(dir, { limits: bounds });
    expect(await offsets()).toEqual([2, 0, 1]);
    for (const topic of ['d', 'e', 'f']) await backbone.publish(message(topic));
    await backbone.close();
    const { store, release } = await openDirectory(dir);
    const kept = store.topics().map(({ name, id }) => [name, [...store.messages(id, 0)].length]);
    await store.close();
    release();
    expect(kept).toEqual([
      ['e', 1],
      ['f', 1],
    ]);
  });

  it('hold for the parts of large messages, on the disk', async () => {
    const dir = newDir();
    const keys = async () => {
      const db = open<Buffer, string | (string | number)[]>({
        path: dir,
        encoding: 'binary',
        noSubdir: false,
      });
      const found = [...db.getKeys({ start: ['p'], end: ['q'] })] as (string | number)[][];
      await db.close();
      return found.map((key) => key.slice(2));
    };
    const backbone = await openIn(dir, { limits: { ...limits, historyMessages: 2, topics: 1 } });
    for (const id of ['a', 'b', 'c'])
      await backbone.publish({ topic: 't', id, ts: 1, payload: largePayload(id) });
    // What memory has forgotten is deleted in the next transaction.
    await backbone.openClient({ key: 'k', epoch: 1, acked: 0 });
    await backbone.close();
    expect(await keys()).toEqual([2, 3].flatMap((offset) => [0, 1, 2].map((part) => [offset, part])));
    const again = await openIn(dir, { limits: { ...limits, topics: 1 } });
    for (let index = 0; index < 2; index++) await again.publish(message('other'));
    await again.close();
    expect(await keys()).toEqual([]);
  });

  it('take a transaction apart where topics have to make room for others', async () => {
    const backbone = await openIn(newDir(), { limits: { ...limits, topics: 3 } });
    const topics = Array.from({ length: 20 }, (_, index) => `t${index}`);
    const results = await Promise.all(topics.map((topic) => backbone.publish(message(topic))));
    expect(new Set(results.map(({ kind }) => kind))).toEqual(new Set(['published']));
  });

  it('hold for what waits for the disk: the connection that brings more is broken', async () => {
    const backbone = await openIn(newDir());
    const openClient = async () => {
      const result = await backbone.openClient({ key: 'k', epoch: 1, acked: 0 });
      if (result.kind !== 'open') throw new Error(result.kind);
      return result;
    };
    const { lease } = await openClient();
    const big = JSON.stringify('x'.repeat(2 ** 20));
    const calls = Array.from({ length: 70 }, (_, index) =>
      backbone.publish({ ...message('t', big), client: { key: 'k', lease, seq: index + 1 } }),
    );
    const results = await Promise.allSettled(calls);
    expect(results.at(-1)).toMatchObject({ reason: { message: 'too much waits for the disk' } });
    expect(results.findIndex(({ status }) => status === 'rejected')).toBe(
      results.filter(({ status }) => status === 'fulfilled').length,
    );
    const again = await openClient();
    expect(again.lastSeq).toBe(results.filter(({ status }) => status === 'fulfilled').length);
    const client = { key: 'k', lease: again.lease, seq: again.lastSeq + 1 };
    expect((await backbone.publish({ ...message('t'), client })).kind).toBe('published');
  });

  it('hold for bytes in all', async () => {
    const dir = newDir();
    const backbone = await openIn(dir, { limits: { ...limits, totalHistoryBytes: 10_000 } });
    const big = JSON.stringify('x'.repeat(2000));
    for (const topic of ['a', 'b', 'c', 'a', 'b', 'c', 'a', 'a']) await backbone.publish(message(topic, big));
    await backbone.publish(message('d', big));
    const sizes = async (from: Backbone) => {
      const slices = await Promise.all(['a', 'b', 'c', 'd'].map((topic) => from.read(topic, 0, all)));
      return slices.flatMap(({ messages }) => messages).reduce((sum, { bytes }) => sum + bytes, 0);
    };
    expect(await sizes(backbone)).toBeLessThanOrEqual(10_000);
    await backbone.close();
    expect(await sizes(await openIn(dir))).toBeLessThanOrEqual(10_000);
  });

  it('hold for the memory of clients, which counts over restarts', async () => {
    const dir = newDir();
    const clock = new SlowClock();
    const openClient = async (backbone: Backbone, key: string) => {
      const result = await backbone.openClient({ key, epoch: 1, acked: 0 });
      if (result.kind !== 'open') throw new Error(result.kind);
      return result;
    };
    let backbone = await openIn(dir, { limits, clock });
    const { lease } = await openClient(backbone, 'k');
    await backbone.publish({ ...message('t'), client: { key: 'k', lease, seq: 4 } });
    await backbone.closeClient('k', lease);
    clock.advance(600);
    await backbone.close();
    backbone = await openIn(dir, { limits, clock });
    clock.advance(399);
    expect((await openClient(backbone, 'k')).lastSeq).toBe(4);
    await backbone.close();
    // It was connected at the end: its time begins with the restart.
    backbone = await openIn(dir, { limits, clock });
    clock.advance(1000);
    expect((await openClient(backbone, 'k')).lastSeq).toBe(0);
  });
});

describe('a directory', { timeout: 20_000 }, () => {
  const storageFailed = (text: string) => ({
    name: 'ConnectionError',
    code: 'storage-failed',
    message: expect.stringContaining(text) as string,
  });

  const filled = async () => {
    const dir = newDir();
    const backbone = await openIn(dir, { limits: { historyMessages: 10_000 } });
    const payload = JSON.stringify('x'.repeat(500));
    await Promise.all(Array.from({ length: 2000 }, () => backbone.publish(message('t', payload))));
    await backbone.close();
    return dir;
  };

  it('in use by another opening is refused', async () => {
    const dir = newDir();
    const first = await openIn(dir);
    await expect(fileBackbone(dir)).rejects.toMatchObject(storageFailed('in use by another process'));
    await first.close();
    await openIn(dir);
  });

  it('in use by another process is refused, until that is killed', async () => {
    const dir = newDir();
    const script = `
      import { fileBackbone } from './server/file.ts';
      const backbone = await fileBackbone(${JSON.stringify(dir)});
      await backbone.publish({ topic: 't', id: 'a', ts: 1, payload: '1' });
      console.log('ready');
      setInterval(() => undefined, 1000);
    `;
    const child = spawn('node', ['--import', 'tsx', '--input-type=module', '-e', script]);
    await once(child.stdout, 'data');
    await expect(fileBackbone(dir)).rejects.toMatchObject(storageFailed('in use by another process'));
    child.kill('SIGKILL');
    await once(child, 'exit');
    const backbone = await openIn(dir);
    expect(backbone.head('t')).toMatchObject({ offset: 1 });
  });

  it('that another process has taken over is written to no more', async () => {
    const dir = newDir();
    const backbone = await openIn(dir);
    await backbone.publish(message('t'));
    rmSync(join(dir, 'lock.sock'), { force: true });
    const newer = await openIn(dir);
    const refused = { cause: storageFailed('another process has taken the directory over') };
    await expect(backbone.publish(message('t'))).rejects.toMatchObject(refused);
    await newer.publish(message('t'));
    expect(newer.head('t')).toMatchObject({ offset: 2 });
  });

  it('in which a part of a large message is missing is refused', async () => {
    const dir = newDir();
    const backbone = await openIn(dir);
    await backbone.publish({ topic: 't', id: 'i', ts: 1, payload: largePayload('x') });
    await backbone.close();
    const db = open<Buffer, (string | number)[]>({ path: dir, encoding: 'binary', noSubdir: false });
    db.removeSync(['p', 1, 1, 1]);
    await db.close();
    await expect(fileBackbone(dir)).rejects.toMatchObject(storageFailed('a large message is damaged'));
  });

  it('of a newer format is left alone', async () => {
    const dir = newDir();
    const db = open<Buffer, string>({ path: dir, encoding: 'binary', noSubdir: false });
    const { encodeRecord } = await import('./record-codec.ts');
    db.putSync('meta', encodeRecord(JSON.stringify({ format: 2, owner: 'x', starts: 1 })));
    await db.close();
    await expect(fileBackbone(dir)).rejects.toMatchObject(storageFailed('newer onesocket (format 2)'));
  });

  it.each<[string, (file: string, size: number) => void]>([
    ['a header that is overwritten', (file) => overwrite(file, 0)],
    ['a middle that is overwritten', (file, size) => overwrite(file, size >> 1)],
    ['half of the file', (file, size) => truncateSync(file, size >> 1)],
    ['another file in its place', (file) => writeFileSync(file, 'hello'.repeat(5000))],
  ])(
    'with %s is refused with an error',
    async (_case, damage) => {
      const dir = await filled();
      const file = join(dir, 'data.mdb');
      damage(file, statSync(file).size);
      const script = `
      import { fileBackbone } from './server/file.ts';
      await fileBackbone(${JSON.stringify(dir)}).then(() => console.log('opened'), (error) => console.log(error.code, error.message));
    `;
      const child = spawn('node', ['--import', 'tsx', '--input-type=module', '-e', script]);
      let output = '';
      child.stdout.on('data', (data: Buffer) => (output += data.toString()));
      const [code, signal] = (await once(child, 'exit')) as [number | null, string | null];
      expect({ code, signal, output }).toMatchObject({ code: 0, signal: null });
      expect(output).toMatch(/^storage-failed .*onesocket-/);
    },
    20_000,
  );

  it('that cannot be made is refused', async () => {
    const file = join(newDir(), 'file');
    writeFileSync(file, '');
    await expect(fileBackbone(join(file, 'dir'))).rejects.toMatchObject(storageFailed('cannot use'));
  });

  it('is free after close, and holds nothing but the data', async () => {
    const dir = await filled();
    expect(readdirSync(dir).toSorted()).toEqual(['data.mdb', 'lock.mdb']);
  });
});

function overwrite(file: string, at: number): void {
  const handle = openSync(file, 'r+');
  writeSync(handle, Buffer.alloc(8192, 0x5a), 0, 8192, at);
  closeSync(handle);
}
