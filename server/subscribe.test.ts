import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { createDeferred } from './deferred.ts';
import { lateBackbone } from './late-backbone.ts';
import { MemoryBackbone } from './memory-backbone.ts';
import { startServer } from './test-kit.ts';

const backbones = [
  ['at once', () => new MemoryBackbone({ limits: { historyMessages: 10 } })],
  ['late', () => lateBackbone(new MemoryBackbone({ limits: { historyMessages: 10 } }))],
] as const;

describe.each(backbones)('subscribe with a backbone that answers %s', (_name, backbone) => {
  it('starts at the head', async () => {
    await using running = await startServer({ backbone: backbone() });
    const client = await running.client({ hello: {} });
    await client.publish('t', 1, 3);
    expect(await client.subscribe('t')).toMatchObject({ topic: 't', offset: 3, head: 3 });
    await client.publish('t', 4);
    expect((await client.one('message')).offset).toBe(4);
  });

  it.each([
    [2, 1],
    [3, 0],
    [99, 0],
  ])('replays %i messages', async (replay, offset) => {
    await using running = await startServer({ backbone: backbone() });
    const client = await running.client({ hello: {} });
    await client.publish('t', 1, 3);
    expect(await client.subscribe('t', { replay })).toMatchObject({ offset, head: 3 });
    const messages = await client.some('message', 3 - offset);
    expect(messages[0]!.offset).toBe(offset + 1);
  });

  it('resumes after an offset', async () => {
    await using running = await startServer({ backbone: backbone() });
    const client = await running.client({ hello: {} });
    await client.publish('t', 1, 9);
    const { epoch } = await client.subscribe('t');
    const other = await running.client({ hello: { clientId: 'other' } });
    expect(await other.subscribe('t', { resume: { epoch, offset: 6 } })).toMatchObject({ epoch, offset: 6 });
    expect((await other.some('message', 3)).map(({ offset }) => offset)).toEqual([7, 8, 9]);
    expect(other.all('gap')).toEqual([]);
  });

  it('resumes at the head, and right before the oldest message, without a gap', async () => {
    await using running = await startServer({ backbone: backbone() });
    const client = await running.client({ hello: {} });
    await client.publish('t', 1, 15);
    const { epoch } = await client.subscribe('t', { replay: 0 });
    expect(await client.subscribe('t', { resume: { epoch, offset: 15 } })).toMatchObject({ offset: 15 });
    expect(await client.subscribe('t', { resume: { epoch, offset: 5 } })).toMatchObject({ offset: 5 });
    await client.some('message', 10);
    expect(client.all('gap')).toEqual([]);
  });

  it('says what is missing when the position has fallen off the history', async () => {
    await using running = await startServer({ backbone: backbone() });
    const client = await running.client({ hello: {} });
    await client.publish('t', 1, 15);
    const { epoch } = await client.subscribe('t');
    const { offset } = await client.subscribe('t', { resume: { epoch, offset: 2 } });
    expect(offset).toBe(5);
    expect(await client.one('gap')).toMatchObject({
      topic: 't',
      epoch,
      offset: 5,
      payload: { reason: 'history', missed: 3 },
    });
    expect((await client.some('message', 10)).map((message) => message.offset)).toEqual([
      6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
    ]);
    const order = client.envelopes.slice(-12).map(({ type }) => type);
    expect(order.slice(0, 3)).toEqual(['subscribed', 'gap', 'message']);
  });

  it.each([
    ['another epoch', 'other', 1],
    ['a position ahead', undefined, 16],
  ])('starts the history anew after %s', async (_case, otherEpoch, offset) => {
    await using running = await startServer({ backbone: backbone() });
    const client = await running.client({ hello: {} });
    await client.publish('t', 1, 15);
    const { epoch } = await client.subscribe('t');
    const resume = { epoch: otherEpoch ?? epoch, offset };
    expect(await client.subscribe('t', { resume })).toMatchObject({ epoch, offset: 5, head: 15 });
    expect(await client.one('gap')).toMatchObject({ epoch, offset: 5, payload: { reason: 'epoch' } });
    expect((await client.some('message', 10))[0]!.offset).toBe(6);
  });

  it('gives a restarted server another epoch', async () => {
    await using first = await startServer({ backbone: backbone() });
    const before = await (await first.client({ hello: {} })).subscribe('t');
    await using second = await startServer({ backbone: backbone() });
    const client = await second.client({ hello: {} });
    const after = await client.subscribe('t', { resume: { epoch: before.epoch, offset: before.offset } });
    expect(after.epoch).not.toBe(before.epoch);
    expect((await client.one('gap')).payload).toEqual({ reason: 'epoch' });
  });

  it('sends nothing more after an unsubscribe, and takes a second one', async () => {
    await using running = await startServer({ backbone: backbone() });
    const client = await running.client({ hello: {} });
    await client.subscribe('t');
    await client.publish('t', 1);
    await client.one('message');
    client.send({ type: 'unsubscribe', topic: 't' }, { type: 'unsubscribe', topic: 't' });
    await client.publish('t', 2);
    await client.roundTrip();
    expect(client.all('message').length).toBe(1);
    expect(running.server.stats()).toMatchObject({ subscriptions: 0, topics: 0 });
  });

  it('is refused by authorize', async () => {
    await using running = await startServer({
      backbone: backbone(),
      authorize: ({ action, topic }) => Promise.resolve(action === 'subscribe' && topic !== 'secret'),
    });
    const client = await running.client({ hello: {} });
    const id = client.send({ type: 'subscribe', topic: 'secret' });
    expect(await client.one('error')).toMatchObject({
      re: id,
      topic: 'secret',
      payload: { code: 'forbidden' },
    });
    await client.subscribe('open');
    expect(running.server.stats().subscriptions).toBe(1);
  });

  it('serves many topics of one connection in order', async () => {
    await using running = await startServer({ backbone: backbone() });
    const client = await running.client({ hello: {} });
    const topics = Array.from({ length: 30 }, (_, index) => `t${index}`);
    await Promise.all(topics.map((topic) => client.subscribe(topic)));
    for (let round = 1; round <= 5; round++) {
      await Promise.all(topics.map((topic) => running.server.publish(topic, round)));
    }
    const messages = await client.some('message', 150);
    for (const topic of topics) {
      expect(messages.filter((message) => message.topic === topic).map(({ payload }) => payload)).toEqual([
        1, 2, 3, 4, 5,
      ]);
    }
  });
});

describe('subscriptions', () => {
  it('above the limit are refused', async () => {
    await using running = await startServer({ limits: { maxSubscriptions: 2 } });
    const client = await running.client({ hello: {} });
    await client.subscribe('a');
    await client.subscribe('b');
    await client.subscribe('a');
    const id = client.send({ type: 'subscribe', topic: 'c' });
    expect(await client.one('error')).toMatchObject({ re: id, topic: 'c', payload: { code: 'limit' } });
    client.send({ type: 'unsubscribe', topic: 'a' });
    await client.subscribe('c');
  });

  it('are refused where there is no room for another topic', async () => {
    await using running = await startServer({ limits: { topics: 1 } });
    const client = await running.client({ hello: {} });
    await client.subscribe('a');
    client.send({ type: 'subscribe', topic: 'b' });
    expect((await client.one('error')).payload.code).toBe('limit');
    client.send({ type: 'publish', topic: 'b', seq: 1, payload: 0 });
    expect((await client.one('nack')).payload.code).toBe('limit');
    client.send({ type: 'unsubscribe', topic: 'a' });
    await client.subscribe('b');
  });

  it('given up while authorize is asked are not begun', async () => {
    const asked = createDeferred();
    const answer = createDeferred<boolean>();
    await using running = await startServer({
      authorize: () => {
        asked.resolve();
        return answer.promise;
      },
    });
    const client = await running.client({ hello: {} });
    client.send({ type: 'subscribe', topic: 't' });
    await asked.promise;
    client.send({ type: 'unsubscribe', topic: 't' });
    await client.roundTrip();
    answer.resolve(true);
    await client.roundTrip();
    expect(client.all('subscribed')).toEqual([]);
    expect(running.server.stats()).toMatchObject({ subscriptions: 0, topics: 0 });
  });

  it('end with their connection', async () => {
    await using running = await startServer();
    const client = await running.client({ hello: {} });
    await client.subscribe('t');
    client.socket.close();
    await client.closed;
    await expect
      .poll(() => running.server.stats())
      .toMatchObject({ connections: 0, subscriptions: 0, topics: 0 });
  });
});

describe('window', () => {
  it('holds messages back until earlier ones are received', async () => {
    await using running = await startServer();
    const client = await running.client({ hello: { window: 3 } });
    await client.publish('t', 1, 10);
    await client.subscribe('t', { replay: 10 });
    await client.some('message', 3);
    await client.roundTrip();
    expect(client.all('message').length).toBe(3);
    client.send({ type: 'received', count: 2 });
    await client.some('message', 5);
    await client.roundTrip();
    expect(client.all('message').length).toBe(5);
    client.send({ type: 'received', count: 5 });
    client.send({ type: 'received', count: 1 });
    await client.some('message', 8);
    await client.roundTrip();
    expect(client.all('message').map(({ offset }) => offset)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });

  it('counts gaps', async () => {
    await using running = await startServer();
    const client = await running.client({ hello: { window: 1 } });
    await client.publish('t', 1);
    await client.subscribe('t', { resume: { epoch: 'old', offset: 1 } });
    await client.one('gap');
    await client.roundTrip();
    expect(client.all('message')).toEqual([]);
    client.send({ type: 'received', count: 1 });
    await client.one('message');
  });

  it('is fair between topics', async () => {
    await using running = await startServer();
    const client = await running.client({ hello: { window: 2 } });
    await client.publish('a', 1, 10);
    await client.publish('b', 11, 10);
    await client.subscribe('a', { replay: 10 });
    await client.subscribe('b', { replay: 10 });
    for (let count = 2; count < 20; count += 2) {
      await client.some('message', count);
      client.send({ type: 'received', count });
    }
    const messages = await client.some('message', 20);
    const firstOfB = messages.findIndex(({ topic }) => topic === 'b');
    const lastOfA = messages.findLastIndex(({ topic }) => topic === 'a');
    expect(firstOfB).toBeLessThan(5);
    expect(lastOfA).toBeGreaterThan(10);
  });

  it('is closed 4405 when more is received than was sent', async () => {
    await using running = await startServer();
    const client = await running.client({ hello: {} });
    client.send({ type: 'received', count: 1 });
    expect((await client.closed).code).toBe(4405);
  });
});

/** Bytes outside of the heap that are in use: what only waits for the collector is not. */
async function externalBytes(): Promise<number> {
  setFlagsFromString('--expose-gc');
  const collectGarbage = runInNewContext('gc') as () => void;
  // Buffers are given back by a thread of its own; a later collection waits for it.
  for (let round = 0; round < 3; round++) {
    collectGarbage();
    await new Promise((resolve) => setImmediate(resolve));
  }
  return process.memoryUsage().external;
}

describe('a slow reader', () => {
  it('costs a bounded buffer, then gets a gap and reads on', async () => {
    const limits = { bufferedBytes: 100_000, historyBytes: 2_000_000, historyMessages: 1000 };
    await using running = await startServer({ limits });
    const slow = await running.client({ hello: { clientId: 'slow' } });
    await slow.subscribe('t');
    slow.socket.pause();
    const before = await externalBytes();
    // 100 MB, far more than the kernel's buffers and the history hold.
    for (let index = 1; index <= 1000; index++) {
      await running.server.publish('t', 'x'.repeat(100_000));
      if (index % 20 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    expect(running.server.stats().delivered).toBeLessThan(500);
    expect((await externalBytes()) - before).toBeLessThan(2_000_000);
    slow.socket.resume();
    const gap = await slow.one('gap');
    expect(gap.payload.reason).toBe('history');
    await slow.until(() => slow.all('message').at(-1)?.offset === 1000);
    let reached = 0;
    const wrong: unknown[] = [];
    for (const envelope of slow.envelopes) {
      if (envelope.type === 'gap') {
        if (envelope.offset - reached !== envelope.payload.missed) wrong.push(envelope);
        reached = envelope.offset;
      } else if (envelope.type === 'message' && envelope.offset !== ++reached) {
        wrong.push(envelope.offset);
      }
    }
    expect(wrong).toEqual([]);
    expect(reached).toBe(1000);
  });
});

describe('fan-out', () => {
  it('gives everybody the same, whatever their windows', async () => {
    await using running = await startServer();
    const windows = [1024, 1024, 7, 1, 300];
    const clients = await Promise.all(
      windows.map((window, index) => running.client({ hello: { clientId: `c${index}`, window } })),
    );
    for (const client of clients) {
      await client.subscribe('t');
      client.socket.on('message', () =>
        client.send({ type: 'received', count: client.all('message').length }),
      );
    }
    const publisher = await running.client({ hello: { clientId: 'p' } });
    await publisher.publish('t', 1, 500);
    for (const client of clients) {
      const messages = await client.some('message', 500);
      expect(
        messages.every(({ offset, payload }, index) => offset === index + 1 && payload === index + 1),
      ).toBe(true);
      expect(client.all('gap')).toEqual([]);
    }
    expect(clients[0]!.frames.length).toBeLessThan(20);
  });
});
