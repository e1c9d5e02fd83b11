import { describe, expect, it } from 'vitest';
import * as protocolLimits from '../src/protocol/limits.ts';
import { largePayload } from './backbone-conformance.ts';
import { lateBackbone } from './late-backbone.ts';
import { MemoryBackbone } from './memory-backbone.ts';
import { bytesOf, startServer, withChunks, type TestClient } from './test-kit.ts';

const { chunkBytes, chunksUnderWay } = protocolLimits;
const size = 10 * chunkBytes + 1;
const bytes = bytesOf(size);

const chunksOf = (client: TestClient, transfer: string) =>
  client.all('chunk').filter((chunk) => chunk.transfer === transfer);

/** The order in which messages and chunks came, a letter for each. */
const order = (client: TestClient) =>
  client.envelopes.flatMap((envelope) =>
    envelope.type === 'message' || envelope.type === 'chunk' || envelope.type === 'gap'
      ? envelope.type[0]!
      : [],
  );

describe.each([false, true])('a large message (late backbone: %s)', (late) => {
  const start = (limits = {}) => {
    const inner = new MemoryBackbone({ limits });
    return startServer({ backbone: late ? lateBackbone(inner) : inner });
  };

  it('goes before what follows it in its topic, and lets other topics pass', async () => {
    await using running = await start();
    const client = await running.client({ hello: withChunks });
    for (const topic of ['t', 'chat']) await client.subscribe(topic);
    await running.server.publish('t', bytes);
    await running.server.publish('t', 'after');
    await client.some('chunk', chunksUnderWay);
    await running.server.publish('chat', 'meanwhile');
    await client.until(() => client.all('message').some(({ topic }) => topic === 'chat'));
    expect(client.all('message').map(({ topic, offset }) => [topic, offset])).toEqual([
      ['t', 1],
      ['chat', 1],
    ]);
    expect(client.all('chunk')).toHaveLength(chunksUnderWay);
    client.acknowledgeChunks();
    client.send({ type: 'chunk-ack', transfer: client.all('chunk')[0]!.transfer, received: 4 * chunkBytes });
    const [large, , after] = await client.some('message', 3);
    expect(after).toMatchObject({ topic: 't', offset: 2, payload: 'after' });
    expect(order(client).lastIndexOf('c')).toBe(order(client).length - 2);
    expect((await client.content(large!)).equals(bytes)).toBe(true);
  });

  it('takes turns with one of another topic, while a third one waits', async () => {
    await using running = await start();
    const topics = ['a', 'b', 'c'];
    for (const topic of topics) await running.server.publish(topic, bytes);
    const client = await running.client({ hello: withChunks });
    client.send(...topics.map((topic) => ({ type: 'subscribe', topic, replay: 1 })));
    await client.some('chunk', chunksUnderWay);
    await client.roundTrip();
    expect(client.all('message').map(({ topic }) => topic)).toEqual(['a', 'b']);
    const transfers = client.all('chunk').map(({ transfer }) => transfer);
    expect(transfers.filter((transfer) => transfer === transfers[0])).toHaveLength(2);
    client.acknowledgeChunks();
    client.send(
      ...[...new Set(transfers)].map((transfer) => ({
        type: 'chunk-ack',
        transfer,
        received: 2 * chunkBytes,
      })),
    );
    for (const message of await client.some('message', 3))
      expect((await client.content(message)).equals(bytes)).toBe(true);
  });

  it('goes on after a loss where the client says', async () => {
    await using running = await start();
    await running.server.publish('t', 'before');
    const { epoch } = await running.server.publish('t', bytes);
    const client = await running.client({ hello: withChunks });
    client.acknowledgeChunks();
    const partial = { offset: 2, received: 3 * chunkBytes + 5 };
    await client.subscribe('t', { resume: { epoch, offset: 1, partial } });
    const message = await client.one('message');
    expect(message).toMatchObject({ offset: 2, transfer: { size, at: partial.received } });
    expect((await client.content(message)).equals(bytes.subarray(partial.received))).toBe(true);
    await client.roundTrip();
    expect(chunksOf(client, message.transfer!.id)[0]!.payload).toHaveLength(chunkBytes - 5);
  });

  it.each([
    ['all of it has come', { offset: 2, received: size }, 2, size],
    ['more than all of it has come', { offset: 2, received: size + 1 }, 2, 0],
    ['a part of another message has come', { offset: 3, received: 10 }, 2, 0],
  ])('begins where it should when %s', async (_case, partial, offset, at) => {
    await using running = await start();
    await running.server.publish('t', 'before');
    const { epoch } = await running.server.publish('t', bytes);
    await running.server.publish('t', 'after');
    const client = await running.client({ hello: withChunks });
    client.acknowledgeChunks();
    await client.subscribe('t', { resume: { epoch, offset: 1, partial } });
    const [large, after] = await client.some('message', 2);
    expect(large).toMatchObject({ offset, transfer: { at } });
    expect(after).toMatchObject({ offset: 3, payload: 'after' });
    expect(client.all('chunk')).toHaveLength(at === size ? 0 : 11);
  });

  it('ends with its subscription, and frees the way for others', async () => {
    await using running = await start();
    const client = await running.client({ hello: withChunks });
    for (const topic of ['a', 'b', 'c']) await client.subscribe(topic);
    for (const topic of ['a', 'b', 'c']) await running.server.publish(topic, bytes);
    await client.some('chunk', chunksUnderWay);
    client.send({ type: 'unsubscribe', topic: 'a' }, { type: 'unsubscribe', topic: 'b' });
    const third = await client.one('message', 2);
    await client.until(() => chunksOf(client, third.transfer!.id).length === chunksUnderWay);
    // Late, but not wrong.
    for (const { transfer } of client.all('message').map((message) => ({ transfer: message.transfer!.id })))
      client.send({ type: 'chunk-ack', transfer, received: chunkBytes });
    client.acknowledgeChunks();
    expect((await client.content(third)).equals(bytes)).toBe(true);
  });

  it('that falls off the history on its way ends in a gap', async () => {
    await using running = await start({ historyMessages: 1 });
    const client = await running.client({ hello: withChunks });
    await client.subscribe('t');
    await running.server.publish('t', bytes);
    await client.some('chunk', chunksUnderWay);
    await running.server.publish('t', 'newer');
    client.acknowledgeChunks();
    const { transfer } = client.all('chunk')[0]!;
    client.send({ type: 'chunk-ack', transfer, received: 4 * chunkBytes });
    expect(await client.one('gap')).toMatchObject({ offset: 1, payload: { reason: 'history', missed: 1 } });
    expect(await client.one('message', 1)).toMatchObject({ offset: 2, payload: 'newer' });
    expect(client.all('chunk')).toHaveLength(chunksUnderWay);
  });

  it('counts once in the window', async () => {
    await using running = await start();
    const client = await running.client({ hello: { ...withChunks, window: 2 } });
    client.acknowledgeChunks();
    await client.subscribe('t');
    for (const payload of [bytes, 'second', 'third']) await running.server.publish('t', payload);
    await client.some('message', 2);
    await client.roundTrip();
    expect(client.all('message')).toHaveLength(2);
    client.send({ type: 'received', count: 2 });
    expect((await client.one('message', 2)).payload).toBe('third');
  });
});

describe('for a client that knows no chunks a large message', () => {
  it.each([
    ['JSON', { list: Array.from({ length: 20_000 }, (_, index) => index) }],
    ['bytes', bytes],
  ])('of %s is one frame', async (_form, payload) => {
    await using running = await startServer();
    const client = await running.client({ hello: {} });
    await client.subscribe('t');
    await running.server.publish('t', payload);
    await running.server.publish('t', 'after');
    const [large, after] = await client.some('message', 2);
    expect(after!.payload).toBe('after');
    expect(large).not.toHaveProperty('transfer');
    const got = large!.payload;
    expect(got instanceof Uint8Array ? Buffer.from(got).equals(bytes) : got).toEqual(
      got instanceof Uint8Array || payload,
    );
  });

  it('that only claims to be JSON is bytes, and cannot reach into the envelope', async () => {
    const backbone = new MemoryBackbone();
    await using running = await startServer({ backbone });
    const client = await running.client({ hello: {} });
    await client.subscribe('t');
    const evil = Buffer.from(
      '1},{"type":"message","id":"1","ts":1,"topic":"t","epoch":"e","offset":9,"payload":1',
    );
    const payload = { ...largePayload('x', 'json'), size: evil.byteLength, parts: [evil] };
    backbone.publish({ topic: 't', id: 'i', ts: 1, payload });
    expect(Buffer.from((await client.one('message')).payload as Uint8Array)).toEqual(evil);
    await client.roundTrip();
    expect(client.all('message')).toHaveLength(1);
  });
});

describe('server.publish', () => {
  it('makes a large message of what is larger than a chunk, and of every Blob', async () => {
    await using running = await startServer();
    const client = await running.client({ hello: withChunks });
    client.acknowledgeChunks();
    await client.subscribe('t');
    const text = 'é'.repeat(chunkBytes / 2);
    const payloads = [
      text,
      text.slice(1),
      bytes,
      bytes.buffer,
      bytes.subarray(0, chunkBytes),
      new Blob([bytes], { type: 'a/b' }),
      new Blob([]),
    ];
    for (const payload of payloads) await running.server.publish('t', payload);
    const messages = await client.some('message', payloads.length);
    expect(messages.map(({ transfer }) => transfer && [transfer.size, transfer.form, transfer.mime])).toEqual(
      [
        [chunkBytes + 2, 'json', undefined],
        undefined,
        [size, 'bytes', undefined],
        [size + 3, 'bytes', undefined],
        undefined,
        [size, 'blob', 'a/b'],
        [0, 'blob', undefined],
      ],
    );
    expect(JSON.parse((await client.content(messages[0]!)).toString())).toBe(text);
    for (const index of [2, 5]) expect((await client.content(messages[index]!)).equals(bytes)).toBe(true);
  });

  it('publishes what the bytes were when it was called', async () => {
    await using running = await startServer();
    const client = await running.client({ hello: withChunks });
    client.acknowledgeChunks();
    await client.subscribe('t');
    const changing = bytes.slice();
    const published = running.server.publish('t', changing);
    changing.fill(0);
    await published;
    expect((await client.content(await client.one('message'))).equals(bytes)).toBe(true);
  });

  it.each([
    ['bytes', bytes],
    ['a Blob', new Blob([bytes])],
    ['JSON', 'x'.repeat(size)],
  ])('refuses %s above the size of a payload', async (_form, payload) => {
    await using running = await startServer({ limits: { transferBytes: size - 1 } });
    await expect(running.server.publish('t', payload)).rejects.toMatchObject({ code: 'too-large' });
  });
});
