import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { chunkBytes } from '../../src/protocol/limits.ts';
import type { Backbone } from '../backbone.ts';
import { systemClock } from '../clock.ts';
import { defaultLimits } from '../limits.ts';
import type { ServerOptions } from '../options.ts';
import { bytesOf, startServer, TestClient, withChunks, type RunningServer } from '../test-kit.ts';
import { DurableBackbone } from './durable-backbone.ts';
import { failingStore } from './failing-store.ts';
import { fileBackbone, openDirectory } from './file-backbone.ts';
import { startProcess } from './server-process.ts';

let dir = '';

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'onesocket-'));
});

afterEach(() => rmSync(dir, { recursive: true, force: true }));

/** A server on a backbone that ends with it. */
async function serve(backbone: Backbone, options: ServerOptions = {}): Promise<RunningServer> {
  const running = await startServer({ ...options, backbone });
  return {
    ...running,
    [Symbol.asyncDispose]: async () => {
      await running[Symbol.asyncDispose]();
      await backbone.close();
    },
  };
}

const start = async (options?: ServerOptions) => serve(await fileBackbone(dir), options);

async function startFailing(options?: ServerOptions) {
  const { store: inner, release } = await openDirectory(dir);
  const { store, failNext } = failingStore(inner);
  const parts = { bounds: defaultLimits, clock: systemClock, randomId: () => crypto.randomUUID() };
  const running = await serve(new DurableBackbone(store, { ...parts, closed: release }), options);
  return { running, failNext };
}

const publish = (seq: number, payload: unknown = seq) => ({ type: 'publish', topic: 't', seq, payload });

describe('a server with a file backbone', { timeout: 30_000 }, () => {
  it('goes on after a restart as if nothing had been', async () => {
    const refuseTwo: ServerOptions = {
      onPublish: ({ payload }) => (payload === 2 ? { code: 'two', message: 'no' } : undefined),
    };
    let epoch = '';
    {
      await using running = await start(refuseTwo);
      const client = await running.client({ hello: { clientEpoch: 3 } });
      ({ epoch } = await client.subscribe('t'));
      await client.publish('t', 1, 4);
    }
    await using running = await start(refuseTwo);
    const zombie = await running.client();
    zombie.sendHello({ clientEpoch: 2 });
    expect((await zombie.closed).code).toBe(4409);
    const client = await running.client();
    const { payload } = await client.hello({ clientEpoch: 3, acked: 1 });
    expect(payload).toMatchObject({ lastSeq: 4, rejected: [{ seq: 2, code: 'two', message: 'no' }] });
    const subscribed = await client.subscribe('t', { resume: { epoch, offset: 1 } });
    expect(subscribed).toMatchObject({ epoch, offset: 1, head: 3 });
    await client.publish('t', 3, 4);
    const messages = await client.some('message', 4);
    expect(messages.map(({ offset, payload: seq }) => [offset, seq])).toEqual([
      [2, 3],
      [3, 4],
      [4, 5],
      [5, 6],
    ]);
    expect(client.all('gap')).toEqual([]);
  });

  it('says how many messages are missing where the history no longer reaches back', async () => {
    const limits = { historyMessages: 10 };
    {
      await using running = await serve(await fileBackbone(dir, { limits }));
      const client = await running.client({ hello: {} });
      await client.publish('t', 1, 30);
    }
    await using running = await serve(await fileBackbone(dir, { limits }));
    const client = await running.client({ hello: {} });
    const { epoch } = await client.subscribe('t');
    await client.subscribe('t', { resume: { epoch, offset: 5 } });
    const gap = await client.one('gap');
    expect(gap).toMatchObject({ epoch, offset: 20, payload: { reason: 'history', missed: 15 } });
  });

  it('keeps nacks before the acks that cover them, and all in order', async () => {
    await using running = await start({
      limits: { window: 256 },
      onPublish: ({ seq }) => (seq % 5 === 0 ? { code: 'five', message: 'no' } : undefined),
    });
    const client = await running.client({ hello: {} });
    await client.subscribe('t');
    for (let seq = 1; seq <= 300; seq += 10)
      client.send(...Array.from({ length: 10 }, (_, index) => publish(seq + index)));
    await client.until(() => client.all('ack').some(({ seq }) => seq === 300));
    let acked = 0;
    const nacked: number[] = [];
    for (const envelope of client.envelopes) {
      if (envelope.type === 'ack') acked = envelope.seq;
      if (envelope.type !== 'nack') continue;
      expect(envelope.seq).toBeGreaterThan(acked);
      nacked.push(envelope.seq);
    }
    expect(nacked).toEqual(Array.from({ length: 60 }, (_, index) => (index + 1) * 5));
    const messages = await client.some('message', 240);
    expect(messages.map(({ payload }) => payload)).toEqual(
      Array.from({ length: 300 }, (_, index) => index + 1).filter((seq) => seq % 5 !== 0),
    );
  });

  it('goes on after a restart with a large message, and asks again for one that was not published', async () => {
    const size = 3 * chunkBytes + 1;
    const bytes = bytesOf(size);
    const named = { id: 'x', size, form: 'blob', mime: 'image/png' };
    let epoch = '';
    {
      await using running = await start();
      const client = await running.client({ hello: withChunks });
      ({ epoch } = await client.subscribe('t'));
      await client.upload('t', 'x', bytes);
      expect(await client.publishTransfer('t', 1, named)).toBeUndefined();
      await client.upload('t', 'y', bytes);
    }
    await using running = await start();
    const client = await running.client({ hello: { ...withChunks, clientEpoch: 2 } });
    client.acknowledgeChunks();
    const partial = { offset: 1, received: 2 * chunkBytes };
    await client.subscribe('t', { resume: { epoch, offset: 0, partial } });
    const message = await client.one('message');
    expect(message.transfer).toMatchObject({ size, form: 'blob', mime: 'image/png', at: partial.received });
    expect((await client.content(message)).equals(bytes.subarray(partial.received))).toBe(true);
    const lost = await client.publishTransfer('t', 2, { ...named, id: 'y' });
    expect(lost).toMatchObject({ payload: { code: 'transfer-lost', retryable: true } });
    await client.upload('t', 'y', bytes);
    expect(await client.publishTransfer('t', 3, { ...named, id: 'y' })).toBeUndefined();
  });

  it('acknowledges before it goes away what it had read', async () => {
    await using running = await start();
    const client = await running.client({ hello: {} });
    client.send(...Array.from({ length: 200 }, (_, index) => publish(index + 1)));
    await expect.poll(() => running.server.stats().published).toBe(200);
    await running.server.close();
    expect((await client.closed).code).toBe(1012);
    expect(client.all('ack').at(-1)?.seq).toBe(200);
  });

  it.each(['none', 'done'] as const)(
    'closes 1011 when a transaction fails, and publishes what comes again once (effect: %s)',
    async (effect) => {
      const { running: started, failNext } = await startFailing();
      await using running = started;
      const reader = await running.client({ hello: { clientId: 'reader' } });
      await reader.subscribe('t');
      const client = await running.client({ hello: {} });
      await client.publish('t', 1);
      failNext(effect);
      client.send(publish(2), publish(3));
      client.send(publish(4));
      expect((await client.closed).code).toBe(1011);
      expect(client.all('ack').map(({ seq }) => seq)).toEqual([1]);
      const again = await running.client();
      const { lastSeq } = (await again.hello({ acked: 1 })).payload;
      for (let seq = lastSeq + 1; seq <= 5; seq++) again.send(publish(seq));
      const messages = await reader.some('message', 5);
      expect(messages.map(({ payload }) => payload)).toEqual([1, 2, 3, 4, 5]);
    },
  );

  it('closes 1011 when the disk is full, lives on, and has all that it acknowledged', async () => {
    const full = await startProcess(dir, 2000);
    let acked = 0;
    try {
      const client = await TestClient.connect(full.port, { hello: {} });
      for (let seq = 1; seq <= 300; seq++) client.send(publish(seq, 'x'.repeat(10_000)));
      expect((await client.closed).code).toBe(1011);
      acked = client.all('ack').at(-1)?.seq ?? 0;
      // It still serves: a connection that needs nothing of the disk opens.
      const other = await TestClient.connect(full.port);
      other.socket.terminate();
      expect(full.child.exitCode).toBe(null);
    } finally {
      const exited = once(full.child, 'exit');
      full.child.kill('SIGKILL');
      await exited;
    }
    await using running = await start();
    const client = await running.client();
    const { lastSeq } = (await client.hello({ acked })).payload;
    expect(acked).toBeGreaterThan(0);
    const { head } = await client.subscribe('t');
    expect([lastSeq, head]).toEqual([head, head]);
    expect(head).toBeGreaterThanOrEqual(acked);
    await client.publish('t', lastSeq + 1);
  });
});
