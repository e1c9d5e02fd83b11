import { describe, expect, it } from 'vitest';
import * as protocolLimits from '../src/protocol/limits.ts';
import { simulatedSession } from './simulated-session.ts';
import { bytesOf, startServer, withChunks } from './test-kit.ts';

const { chunkBytes, chunksUnderWay } = protocolLimits;
const kib = 1024;

describe('a client that means no good', () => {
  it('sends more chunks than may be unacknowledged, and is closed 4429', () => {
    const { receive, clock, closes, sent } = simulatedSession();
    receive({ type: 'offer', topic: 't', transfer: 'x', size: 20 * chunkBytes });
    const chunks = (first: number, count: number) => {
      for (let index = first; index < first + count; index++)
        receive({ type: 'chunk', transfer: 'x', at: index * chunkBytes }, new Uint8Array(chunkBytes));
    };
    chunks(0, chunksUnderWay);
    clock.advance(0);
    chunks(chunksUnderWay, chunksUnderWay);
    expect(closes).toEqual([]);
    clock.advance(0);
    expect(sent.filter(({ type }) => type === 'chunk-ack')).toHaveLength(1 + 2 * chunksUnderWay);
    chunks(2 * chunksUnderWay, chunksUnderWay + 1);
    expect(closes).toEqual([4429]);
  });

  it('offers without end, and without a chunk, and takes no room from others', async () => {
    await using running = await startServer();
    const hostile = await running.client({ hello: withChunks });
    for (let round = 0; round < 10; round++) {
      const offers = Array.from({ length: 1000 }, (_, index) => ({
        type: 'offer',
        topic: 't',
        transfer: `x${round}-${index}`,
        size: 64 * kib * kib,
      }));
      hostile.send(...offers);
    }
    await hostile.roundTrip();
    expect(hostile.all('chunk-ack')).toHaveLength(4);
    expect(hostile.all('error')).toHaveLength(9996);
    expect(running.server.stats().transferBytes).toBe(4 * kib);
    const other = await running.client({ hello: { ...withChunks, clientId: 'other' } });
    const bytes = bytesOf(3 * chunkBytes);
    await other.upload('t', 'x', bytes);
    const named = { id: 'x', size: bytes.byteLength, form: 'bytes' };
    expect(await other.publishTransfer('t', 1, named)).toBeUndefined();
    hostile.socket.terminate();
    await expect.poll(() => running.server.stats().transferBytes).toBe(0);
  });

  it('comes back as a thousand clients, and keeps no more than the bound', async () => {
    const total = 10 * chunkBytes;
    await using running = await startServer({ limits: { totalTransferBytes: total } });
    const bytes = bytesOf(2 * chunkBytes);
    for (let index = 0; index < 1000; index++) {
      const client = await running.client({ hello: { ...withChunks, clientId: `c${index}` } });
      await client.upload('t', 'x', bytes, chunkBytes);
      client.socket.terminate();
      expect(running.server.stats().transferBytes).toBeLessThanOrEqual(total);
    }
    const other = await running.client({ hello: { ...withChunks, clientId: 'other' } });
    await other.upload('t', 'x', bytes);
    expect(other.all('error')).toEqual([]);
  });

  it('offers and abandons in a loop, and leaves nothing', () => {
    const { receive, clock, context, closes } = simulatedSession();
    for (let index = 0; index < 10_000; index++) {
      receive({ type: 'offer', topic: 't', transfer: `x${index}`, size: chunkBytes });
      receive({ type: 'chunk', transfer: `x${index}`, at: 0 }, new Uint8Array(chunkBytes));
      receive({ type: 'abandon', transfer: `x${index}` });
      clock.advance(0);
    }
    expect(closes).toEqual([]);
    expect(context.stats.transferBytes).toBe(0);
  });

  it('offers more while authorize thinks than it may have transfers, and is told to wait', async () => {
    let asked = 0;
    const authorize = () => {
      asked++;
      return new Promise<boolean>(() => undefined);
    };
    await using running = await startServer({ authorize });
    const client = await running.client({ hello: withChunks });
    client.send(
      ...Array.from({ length: 100 }, () => ({ type: 'offer', topic: 't', transfer: 'x', size: 1 })),
    );
    await client.roundTrip();
    expect(asked).toBe(4);
    expect(client.all('error')).toHaveLength(96);
  });

  it('acknowledges chunks that were never sent, and gets nothing for it', async () => {
    await using running = await startServer();
    const client = await running.client({ hello: withChunks });
    await client.subscribe('t');
    await running.server.publish('t', bytesOf(20 * chunkBytes));
    await client.some('chunk', chunksUnderWay);
    const { transfer } = client.all('chunk')[0]!;
    for (const id of [transfer, 'nobody'])
      for (const received of [0, 5 * chunkBytes, Number.MAX_SAFE_INTEGER])
        client.send({ type: 'chunk-ack', transfer: id, received });
    await client.roundTrip();
    expect(client.all('chunk')).toHaveLength(chunksUnderWay);
  });

  it('subscribes and unsubscribes in a loop, and gets no more than its socket takes', () => {
    const { receive, clock, context, sent, socket } = simulatedSession();
    const payload = {
      id: 'x',
      size: chunkBytes,
      form: 'bytes' as const,
      parts: [new Uint8Array(chunkBytes)],
    };
    void context.backbone.publish({ topic: 't', id: 'i', ts: 1, payload });
    socket.bufferedAmount = 2 ** 20;
    for (let index = 0; index < 1000; index++) {
      receive({ type: 'subscribe', topic: 't', replay: 1 });
      clock.advance(0);
      receive({ type: 'unsubscribe', topic: 't' });
    }
    expect(sent.filter(({ type }) => type === 'chunk' || type === 'message')).toEqual([]);
  });
});
