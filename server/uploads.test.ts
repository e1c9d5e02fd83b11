import { describe, expect, it } from 'vitest';
import * as protocolLimits from '../src/protocol/limits.ts';
import { createDeferred } from './deferred.ts';
import type { IncomingPublish } from './hooks.ts';
import { lateBackbone } from './late-backbone.ts';
import { MemoryBackbone } from './memory-backbone.ts';
import { RequestError } from './request-error.ts';
import { bytesOf, startServer, withChunks, type TestClient } from './test-kit.ts';

const { chunkBytes } = protocolLimits;
const size = 3 * chunkBytes + 100;
const bytes = bytesOf(size);
const named = { id: 'x1', size, form: 'blob', mime: 'image/png' };
const clientId = 'other';

const chunk = (client: TestClient, at: number, length = chunkBytes, transfer = 'x1') =>
  client.sendBytes({ type: 'chunk', transfer, at }, bytes.subarray(at, at + length));

describe('an upload', () => {
  it.each([false, true])(
    'becomes a message that its receivers get in chunks (late backbone: %s)',
    async (late) => {
      const inner = new MemoryBackbone();
      await using running = await startServer({ backbone: late ? lateBackbone(inner) : inner });
      const client = await running.client({ hello: withChunks });
      const receiver = await running.client({ hello: { ...withChunks, clientId } });
      receiver.acknowledgeChunks();
      await receiver.subscribe('t');
      await client.upload('t', 'x1', bytes);
      expect(await client.publishTransfer('t', 1, named)).toBeUndefined();
      const message = await receiver.one('message');
      expect(message).toMatchObject({ topic: 't', offset: 1, payload: null });
      expect(message.transfer).toEqual({ ...named, id: expect.any(String), at: 0 });
      expect(message.transfer!.id).not.toBe('x1');
      expect((await receiver.content(message)).equals(bytes)).toBe(true);
      expect(running.server.stats()).toMatchObject({ accepted: 1, delivered: 1, transferBytes: 0 });
    },
  );

  it('is acknowledged chunk by chunk', async () => {
    await using running = await startServer();
    const client = await running.client({ hello: withChunks });
    expect(await client.offer('t', 'x1', size)).toBe(0);
    for (const at of [0, chunkBytes]) chunk(client, at);
    const acks = await client.some('chunk-ack', 3);
    expect(acks.map(({ transfer, received }) => [transfer, received])).toEqual([
      ['x1', 0],
      ['x1', chunkBytes],
      ['x1', 2 * chunkBytes],
    ]);
  });

  it('goes on after a reconnection where it was', async () => {
    await using running = await startServer();
    const first = await running.client({ hello: withChunks });
    await first.upload('t', 'x1', bytes, 2 * chunkBytes);
    first.socket.terminate();
    const second = await running.client({ hello: { ...withChunks, clientEpoch: 2 } });
    expect(await second.offer('t', 'x1', size)).toBe(2 * chunkBytes);
    await second.upload('t', 'x1', bytes);
    expect(await second.publishTransfer('t', 1, named)).toBeUndefined();
    second.acknowledgeChunks();
    await second.subscribe('t', { replay: 1 });
    expect((await second.content(await second.one('message'))).equals(bytes)).toBe(true);
  });

  it('is found by nobody else', async () => {
    await using running = await startServer();
    const client = await running.client({ hello: withChunks });
    const other = await running.client({ hello: { ...withChunks, clientId } });
    await client.upload('t', 'x1', bytes);
    expect(await other.publishTransfer('t', 1, named)).toMatchObject({ payload: { code: 'transfer-lost' } });
    expect(await other.offer('t', 'x1', size)).toBe(0);
  });

  it('may be empty', async () => {
    await using running = await startServer();
    const client = await running.client({ hello: withChunks });
    await client.subscribe('t');
    expect(await client.offer('t', 'x1', 0)).toBe(0);
    expect(await client.publishTransfer('t', 1, { id: 'x1', size: 0, form: 'blob' })).toBeUndefined();
    await client.publish('t', 2);
    expect((await client.some('message', 2)).map(({ transfer }) => transfer?.size)).toEqual([0, undefined]);
  });

  it('is forgotten when it is abandoned, and its late chunks are ignored', async () => {
    await using running = await startServer();
    const client = await running.client({ hello: withChunks });
    await client.upload('t', 'x1', bytes, chunkBytes);
    client.send({ type: 'abandon', transfer: 'x1' });
    chunk(client, chunkBytes);
    client.send({ type: 'abandon', transfer: 'unknown' });
    await client.roundTrip();
    expect(running.server.stats().transferBytes).toBe(0);
    expect(await client.offer('t', 'x1', size)).toBe(0);
  });
});

describe('a publish that names a transfer', () => {
  it.each<[string, object]>([
    ['was never offered', { ...named, id: 'x2' }],
    ['is not complete', named],
    ['has another size', { ...named, size: 5 }],
  ])('that %s is refused as lost, and may be sent again', async (_case, transfer) => {
    await using running = await startServer();
    const client = await running.client({ hello: withChunks });
    await client.upload('t', 'x1', bytes, chunkBytes);
    const nack = await client.publishTransfer('t', 1, transfer);
    expect(nack).toMatchObject({ seq: 1, payload: { code: 'transfer-lost', retryable: true } });
    await client.upload('t', 'x1', bytes);
    expect(await client.publishTransfer('t', 2, named)).toBeUndefined();
  });

  it('that is sent again is acknowledged, and published once', async () => {
    await using running = await startServer();
    const client = await running.client({ hello: withChunks });
    await client.subscribe('t');
    await client.upload('t', 'x1', bytes);
    for (const seq of [1, 1])
      client.send({ type: 'publish', topic: 't', seq, payload: null, transfer: named });
    await client.roundTrip();
    expect(client.all('nack')).toEqual([]);
    expect(running.server.stats()).toMatchObject({ accepted: 1, duplicates: 1 });
  });

  it('is shown to onPublish with its parts, and can be refused', async () => {
    const seen: IncomingPublish[] = [];
    const onPublish = (publish: IncomingPublish) => {
      seen.push(publish);
      if (seen.length === 1) throw new RequestError('no-images', 'text only');
    };
    await using running = await startServer({ onPublish });
    const client = await running.client({ hello: withChunks });
    for (const seq of [1, 2]) {
      await client.upload('t', 'x1', bytes);
      const nack = await client.publishTransfer('t', seq, named);
      expect(nack?.payload.code).toBe(seq === 1 ? 'no-images' : undefined);
    }
    const { payload, large } = seen[0]!;
    expect(payload).toBeUndefined();
    expect(large).toMatchObject({ size, form: 'blob', mime: 'image/png' });
    expect(Buffer.concat(large!.parts).equals(bytes)).toBe(true);
    expect(running.server.stats().transferBytes).toBe(0);
  });

  it('keeps its place among others while a hook is asked', async () => {
    const gate = createDeferred();
    await using running = await startServer({
      onPublish: ({ seq }) => (seq === 1 ? gate.promise : undefined),
    });
    const client = await running.client({ hello: withChunks });
    await client.subscribe('t');
    await client.upload('t', 'x1', bytes);
    client.send(
      { type: 'publish', topic: 't', seq: 1, payload: null, transfer: named },
      { type: 'publish', topic: 't', seq: 2, payload: 'after' },
    );
    await client.roundTrip();
    expect(running.server.stats().accepted).toBe(0);
    gate.resolve();
    client.acknowledgeChunks();
    expect((await client.some('message', 2)).map(({ offset }) => offset)).toEqual([1, 2]);
  });

  it('finds its content again after the backbone has failed', async () => {
    const inner = new MemoryBackbone();
    let failures = 1;
    const backbone = lateBackbone(inner);
    const publish: typeof backbone.publish = (publication) =>
      failures-- > 0 ? Promise.reject(new Error('injected')) : inner.publish(publication);
    await using running = await startServer({ backbone: { ...backbone, publish } });
    const client = await running.client({ hello: withChunks });
    await client.upload('t', 'x1', bytes);
    client.send({ type: 'publish', topic: 't', seq: 1, payload: null, transfer: named });
    expect((await client.closed).code).toBe(1011);
    const again = await running.client({ hello: withChunks });
    expect(await again.publishTransfer('t', 1, named)).toBeUndefined();
  });
});

describe('an offer', () => {
  const refusal = async (client: TestClient, offer: object) => {
    const id = client.send({ type: 'offer', topic: 't', transfer: 'x1', size, ...offer });
    await client.until(() => client.all('error').some(({ re }) => re === id));
    return client.all('error').find(({ re }) => re === id)!;
  };

  it.each([false, true])('that authorize refuses is answered before any chunk (late: %s)', async (late) => {
    const isAllowed = ({ topic }: { readonly topic: string }) => topic !== 'secret';
    await using running = await startServer({
      authorize: (question) => (late ? Promise.resolve(isAllowed(question)) : isAllowed(question)),
    });
    const client = await running.client({ hello: withChunks });
    const error = await refusal(client, { topic: 'secret' });
    expect(error).toMatchObject({ topic: 'secret', payload: { code: 'forbidden' } });
    // It can have been sent before the refusal came.
    chunk(client, 0);
    await client.upload('t', 'x1', bytes);
    expect(await client.publishTransfer('secret', 1, named)).toMatchObject({
      payload: { code: 'forbidden' },
    });
  });

  it('above the size of a payload is too large', async () => {
    await using running = await startServer({ limits: { transferBytes: size - 1 } });
    const client = await running.client({ hello: withChunks });
    const { payload } = await refusal(client, {});
    expect(payload).toEqual({ code: 'too-large', message: `a payload has at most ${size - 1} bytes` });
  });

  it('above the number of transfers is refused for now', async () => {
    await using running = await startServer({ limits: { transfers: 2 } });
    const client = await running.client({ hello: withChunks });
    for (const transfer of ['a', 'b', 'a']) await client.offer('t', transfer, size);
    expect((await refusal(client, { transfer: 'c' })).payload).toMatchObject({
      code: 'limit',
      retryable: true,
    });
    client.send({ type: 'abandon', transfer: 'a' });
    expect(await client.offer('t', 'c', size)).toBe(0);
  });

  it('takes the place of what an earlier connection has left behind', async () => {
    await using running = await startServer({ limits: { transfers: 2 } });
    const client = await running.client({ hello: withChunks });
    for (const transfer of ['a', 'b']) await client.upload('t', transfer, bytes, chunkBytes);
    client.socket.terminate();
    const again = await running.client({ hello: { ...withChunks, clientEpoch: 2 } });
    expect(await again.offer('t', 'b', size)).toBe(chunkBytes);
    expect(await again.offer('t', 'c', size)).toBe(0);
    expect((await refusal(again, { transfer: 'a' })).payload.code).toBe('limit');
  });

  it('is refused for now where all transfers together would be too large, and so is a chunk', async () => {
    await using running = await startServer({ limits: { totalTransferBytes: size + chunkBytes } });
    const client = await running.client({ hello: withChunks });
    const other = await running.client({ hello: { ...withChunks, clientId } });
    expect(await client.offer('t', 'x1', size)).toBe(0);
    expect(await other.offer('t', 'x1', size)).toBe(0);
    await other.upload('t', 'x1', bytes, 2 * chunkBytes);
    expect((await refusal(client, { transfer: 'x2' })).payload).toMatchObject({
      code: 'limit',
      retryable: true,
    });
    for (const at of [0, chunkBytes, 2 * chunkBytes]) chunk(client, at);
    const { payload } = await client.one('error', 1);
    expect(payload).toMatchObject({ code: 'limit', retryable: true });
    chunk(client, size - 100, 100);
    await client.roundTrip();
    await other.upload('t', 'x1', bytes);
    expect(await other.publishTransfer('t', 1, named)).toBeUndefined();
  });
});

describe('chunks that break the rules', () => {
  const cases: readonly [string, number, (client: TestClient) => void][] = [
    ['of no transfer', 4405, (client) => chunk(client, 0, chunkBytes, 'nobody')],
    ['behind their place', 4405, (client) => chunk(client, chunkBytes)],
    ['shorter than a chunk', 4405, (client) => chunk(client, 0, 10)],
    ['of no bytes', 4405, (client) => chunk(client, 0, 0)],
    ['longer than a chunk', 4405, (client) => chunk(client, 0, chunkBytes + 1)],
    ['sent twice', 4405, (client) => [0, 0].forEach((at) => chunk(client, at))],
    ['in text', 4400, (client) => client.send({ type: 'chunk', transfer: 'x1', at: 0, payload: 'text' })],
    [
      'offered with another size',
      4405,
      (client) => {
        client.send({ type: 'offer', topic: 't', transfer: 'x1', size: 1 });
      },
    ],
  ];
  it.each(cases)('%s are closed %i', async (_case, code, act) => {
    await using running = await startServer();
    const client = await running.client({ hello: withChunks });
    await client.offer('t', 'x1', size);
    act(client);
    expect((await client.closed).code).toBe(code);
  });

  it('beyond the size are closed 4405', async () => {
    await using running = await startServer();
    const client = await running.client({ hello: withChunks });
    await client.upload('t', 'x1', bytes);
    client.sendBytes({ type: 'chunk', transfer: 'x1', at: size }, bytes.subarray(0, 10));
    expect((await client.closed).code).toBe(4405);
  });

  it.each(['offer', 'abandon', 'chunk-ack', 'publish'])(
    'with %s where chunks were not agreed on are closed 4405',
    async (type) => {
      await using running = await startServer();
      const client = await running.client({ hello: {} });
      client.send({
        type,
        topic: 't',
        transfer: type === 'publish' ? named : 'x1',
        size,
        received: 0,
        seq: 1,
        payload: null,
      });
      expect((await client.closed).code).toBe(4405);
    },
  );

  it('are not agreed on with a server whose frames do not hold one', async () => {
    await using running = await startServer({ limits: { maxFrameBytes: chunkBytes } });
    const client = await running.client();
    expect((await client.hello(withChunks)).payload.features).toEqual(['batch']);
  });
});
