import { describe, expect, it } from 'vitest';
import { createDeferred } from './deferred.ts';
import { lateBackbone } from './late-backbone.ts';
import { MemoryBackbone } from './memory-backbone.ts';
import { RequestError, type Refusal } from './request-error.ts';
import { startServer } from './test-kit.ts';

const backbones = [
  ['at once', () => new MemoryBackbone()],
  ['late', () => lateBackbone(new MemoryBackbone())],
] as const;

describe.each(backbones)('publish with a backbone that answers %s', (_name, backbone) => {
  it('is acknowledged, and delivered with the publisher id', async () => {
    await using running = await startServer({ backbone: backbone() });
    const client = await running.client({ hello: {} });
    const { epoch } = await client.subscribe('t');
    const id = client.send({ type: 'publish', topic: 't', seq: 1, payload: { a: ['ü', null] } });
    const message = await client.one('message');
    expect(message).toMatchObject({ id, topic: 't', epoch, offset: 1, payload: { a: ['ü', null] } });
    expect(Math.abs(message.ts - Date.now())).toBeLessThan(5000);
    expect((await client.one('ack')).seq).toBe(1);
  });

  it('carries bytes', async () => {
    await using running = await startServer({ backbone: backbone() });
    const client = await running.client({ hello: {} });
    await client.subscribe('t');
    client.send({ type: 'publish', topic: 't', seq: 1, payload: 'text' });
    const id = client.sendBytes({ type: 'publish', topic: 't', seq: 2 }, Buffer.from([1, 0, 255]));
    client.send({ type: 'publish', topic: 't', seq: 3, payload: 'text' });
    const messages = await client.some('message', 3);
    expect(messages.map(({ offset }) => offset)).toEqual([1, 2, 3]);
    expect(messages[1]!.id).toBe(id);
    expect([...(messages[1]!.payload as Uint8Array)]).toEqual([1, 0, 255]);
  });

  it('acknowledges a batch once', async () => {
    await using running = await startServer({ backbone: backbone() });
    const client = await running.client({ hello: {} });
    await client.publish('t', 1, 500);
    expect(client.all('ack').at(-1)!.seq).toBe(500);
    expect(client.all('ack').length).toBeLessThan(backbone() instanceof MemoryBackbone ? 2 : 501);
  });

  it('skips and acknowledges a sequence that it had', async () => {
    await using running = await startServer({ backbone: backbone() });
    const client = await running.client({ hello: {} });
    await client.publish('t', 1, 5);
    const acks = client.all('ack').length;
    client.send({ type: 'publish', topic: 't', seq: 3, payload: 'again' });
    expect((await client.one('ack', acks)).seq).toBe(5);
    expect(running.server.stats()).toMatchObject({ published: 6, accepted: 5, duplicates: 1 });
  });

  it('skips after a reconnection what was handled before it', async () => {
    await using running = await startServer({ backbone: backbone() });
    const first = await running.client({ hello: {} });
    await first.publish('t', 1, 3);
    const second = await running.client();
    expect((await second.hello()).payload.lastSeq).toBe(3);
    await second.publish('t', 2, 4);
    expect(running.server.stats()).toMatchObject({ accepted: 5, duplicates: 2 });
  });

  it('takes sequences with holes, and never one that is not above the last', async () => {
    await using running = await startServer({ backbone: backbone() });
    const client = await running.client({ hello: { acked: 40 } });
    await client.subscribe('t');
    const seqs = [43, 44, 43, 60, 50, 60, 61];
    client.send(...seqs.map((seq) => ({ type: 'publish', topic: 't', seq, payload: seq })));
    await client.until(() => client.all('ack').some(({ seq }) => seq === 61));
    expect((await client.some('message', 4)).map(({ payload }) => payload)).toEqual([43, 44, 60, 61]);
    const again = await running.client();
    expect((await again.hello({ acked: 44 })).payload.lastSeq).toBe(61);
    await again.publish('t', 59);
    await again.publish('t', 70);
    expect(running.server.stats()).toMatchObject({ accepted: 5, duplicates: 4 });
  });

  it('is nacked where authorize says no, and acknowledged after that', async () => {
    await using running = await startServer({
      backbone: backbone(),
      authorize: ({ topic }) => topic !== 'secret',
    });
    const client = await running.client({ hello: {} });
    client.send(
      { type: 'publish', topic: 't', seq: 1, payload: 0 },
      { type: 'publish', topic: 'secret', seq: 2, payload: 0 },
      { type: 'publish', topic: 't', seq: 3, payload: 0 },
    );
    await client.until(() => client.all('ack').some(({ seq }) => seq === 3));
    expect(client.all('nack')).toMatchObject([{ seq: 2, payload: { code: 'forbidden' } }]);
    const nackAt = client.envelopes.findIndex(({ type }) => type === 'nack');
    const ackAt = client.envelopes.findIndex((envelope) => envelope.type === 'ack' && envelope.seq >= 2);
    expect(nackAt).toBeLessThan(ackAt);
    expect(running.server.stats()).toMatchObject({ accepted: 2, refused: 1 });
  });

  it('repeats refusals in the welcome until they are acknowledged', async () => {
    await using running = await startServer({
      backbone: backbone(),
      onPublish: ({ payload }) =>
        payload === 2 || payload === 4
          ? { code: 'even', message: 'no', retryable: payload === 4 }
          : undefined,
    });
    const first = await running.client({ hello: {} });
    await first.publish('t', 1, 5);
    const second = await running.client();
    const refused = [
      { seq: 2, code: 'even', message: 'no' },
      { seq: 4, code: 'even', message: 'no', retryable: true },
    ];
    expect((await second.hello({ acked: 1 })).payload).toMatchObject({ lastSeq: 5, rejected: refused });
    const third = await running.client();
    expect((await third.hello({ acked: 3 })).payload.rejected).toEqual(refused.slice(1));
  });

  it('is in order with hooks that answer late', async () => {
    await using running = await startServer({
      backbone: backbone(),
      authorize: ({ action }) =>
        action === 'subscribe' || new Promise<boolean>((resolve) => setImmediate(resolve, true)),
      onPublish: ({ seq }) =>
        seq % 3 === 0 ? undefined : new Promise<undefined>((resolve) => setImmediate(resolve, undefined)),
    });
    const client = await running.client({ hello: {} });
    await client.subscribe('t');
    await client.publish('t', 1, 50);
    const messages = await client.some('message', 50);
    expect(messages.map(({ payload }) => payload)).toEqual(
      Array.from({ length: 50 }, (_, index) => index + 1),
    );
  });
});

describe('onPublish', () => {
  it.each<[string, () => Refusal | undefined | Promise<Refusal>, object]>([
    ['a returned refusal', () => ({ code: 'spam', message: 'enough' }), { code: 'spam', message: 'enough' }],
    ['a late refusal', async () => ({ code: 'spam', message: '' }), { code: 'spam', message: 'spam' }],
    [
      'a RequestError',
      () => {
        throw new RequestError('full', 'later', { retryable: true });
      },
      { code: 'full', message: 'later', retryable: true },
    ],
    [
      'any other error',
      () => {
        throw new Error('internals');
      },
      { code: 'rejected', message: 'the server could not accept the message', retryable: true },
    ],
    [
      'an overlong code',
      () => ({ code: 'x'.repeat(100), message: 'y'.repeat(2000) }),
      { code: 'x'.repeat(64), message: 'y'.repeat(1024) },
    ],
  ])('refuses with %s', async (_name, onPublish, payload) => {
    await using running = await startServer({ onPublish });
    const client = await running.client({ hello: {} });
    client.send({ type: 'publish', topic: 't', seq: 1, payload: 0 });
    expect((await client.one('nack')).payload).toEqual(payload);
    expect((await client.one('ack')).seq).toBe(1);
  });

  it('that never answers refuses after its time', async () => {
    await using running = await startServer({
      onPublish: () => new Promise<never>(() => undefined),
      limits: { hookTimeoutMs: 20 },
    });
    const client = await running.client({ hello: {} });
    client.send({ type: 'publish', topic: 't', seq: 1, payload: 0 });
    expect((await client.one('nack')).payload).toMatchObject({ code: 'rejected', retryable: true });
  });

  it('sees who publishes what', async () => {
    const seen: unknown[] = [];
    await using running = await startServer({
      authenticate: () => ({ identity: 'me', claims: { admin: true } }),
      onPublish: (publish) => void seen.push(publish),
    });
    const client = await running.client({ hello: { token: 'x', clientId: 'abc' } });
    const id = client.send({ type: 'publish', topic: 't', seq: 1, payload: [1] });
    await client.one('ack');
    expect(seen).toEqual([
      {
        identity: 'me',
        claims: { admin: true },
        clientId: 'abc',
        clientEpoch: 1,
        topic: 't',
        id,
        seq: 1,
        payload: [1],
      },
    ]);
  });
});

describe('payload', () => {
  it('above the limit is nacked too-large', async () => {
    await using running = await startServer({ limits: { messageBytes: 100 } });
    const client = await running.client({ hello: {} });
    client.send(
      { type: 'publish', topic: 't', seq: 1, payload: 'x'.repeat(98) },
      { type: 'publish', topic: 't', seq: 2, payload: 'x'.repeat(99) },
      { type: 'publish', topic: 't', seq: 3, payload: 'ü'.repeat(50) },
    );
    client.sendBytes({ type: 'publish', topic: 't', seq: 4 }, new Uint8Array(101));
    const nacks = await client.some('nack', 3);
    expect(nacks.map(({ seq, payload }) => [seq, payload.code])).toEqual(
      [2, 3, 4].map((seq) => [seq, 'too-large']),
    );
  });

  it('nested deeper than JSON can be written is nacked', async () => {
    await using running = await startServer();
    const client = await running.client({ hello: {} });
    const deep = '['.repeat(100_000) + ']'.repeat(100_000);
    client.socket.send(`{"type":"publish","id":"a","ts":1,"topic":"t","seq":1,"payload":${deep}}`);
    expect((await client.one('nack')).payload.code).toBe('invalid-payload');
    await client.publish('t', 2);
  });
});

describe('backpressure', () => {
  it('pauses reading while too many publishes are in process', async () => {
    const gate = createDeferred<undefined>();
    let reviews = 0;
    await using running = await startServer({
      limits: { window: 10 },
      onPublish: () => (++reviews === 1 ? gate.promise : undefined),
    });
    const client = await running.client({ hello: {} });
    const seqs = Array.from({ length: 400 }, (_, index) => index + 1);
    for (const seq of seqs) client.send({ type: 'publish', topic: 't', seq, payload: 'x'.repeat(10_000) });
    await expect.poll(() => running.server.stats().pauses).toBe(1);
    const { published } = running.server.stats();
    expect(published).toBeLessThan(50);
    gate.resolve(undefined);
    await client.until(() => client.all('ack').some(({ seq }) => seq === 400));
    expect(running.server.stats().accepted).toBe(400);
  });

  it('pauses reading while the peer does not take its answers', async () => {
    await using running = await startServer({
      limits: { bufferedBytes: 10_000 },
      requests: { big: () => 'x'.repeat(500_000) },
    });
    const client = await running.client({ hello: {} });
    client.socket.pause();
    for (let index = 0; index < 100; index++)
      client.send({ type: 'request', method: 'big', payload: 0, timeoutMs: 0 });
    await expect.poll(() => running.server.stats().pauses).toBeGreaterThan(0);
    expect(running.server.stats().requests).toBeLessThan(101);
    client.socket.resume();
    await client.some('response', 100);
  });
});

describe('a failing backbone', () => {
  it('closes the connection 1011, and only that', async () => {
    const inner = new MemoryBackbone();
    let isBroken = true;
    const backbone = new Proxy(inner, {
      get: (target, name) => {
        const method = Reflect.get(target, name, target) as unknown;
        if (name === 'publish' && isBroken) return () => Promise.reject(new Error('lost'));
        return typeof method === 'function' ? method.bind(target) : method;
      },
    });
    await using running = await startServer({ backbone });
    const client = await running.client({ hello: {} });
    client.send({ type: 'publish', topic: 't', seq: 1, payload: 0 });
    expect((await client.closed).code).toBe(1011);
    isBroken = false;
    const again = await running.client({ hello: { clientEpoch: 2 } });
    await again.publish('t', 1);
  });
});

describe('server.publish', () => {
  it('reaches subscribers with JSON and with bytes', async () => {
    await using running = await startServer();
    const client = await running.client({ hello: {} });
    const { epoch } = await client.subscribe('t');
    expect(await running.server.publish('t', { n: 1 })).toEqual({ epoch, offset: 1 });
    expect(await running.server.publish('t', new Uint8Array([7]))).toEqual({ epoch, offset: 2 });
    expect(await running.server.publish('t', new Uint8Array([8]).buffer)).toEqual({ epoch, offset: 3 });
    const payloads = (await client.some('message', 3)).map(({ payload }) => payload);
    expect(payloads[0]).toEqual({ n: 1 });
    expect(payloads.slice(1).map((bytes) => [...(bytes as Uint8Array)])).toEqual([[7], [8]]);
  });

  it.each<[string, unknown, unknown, string]>([
    ['an empty topic', '', 1, 'invalid-option'],
    ['a long topic', 'x'.repeat(257), 1, 'invalid-option'],
    ['nothing', 't', undefined, 'invalid-payload'],
    ['what JSON cannot hold', 't', { n: 1n }, 'invalid-payload'],
    ['a long text', 't', 'x'.repeat(200), 'too-large'],
    ['many bytes', 't', new Uint8Array(200), 'too-large'],
  ])('refuses %s', async (_case, topic, payload, code) => {
    await using running = await startServer({ limits: { messageBytes: 100 } });
    await expect(running.server.publish(topic as string, payload)).rejects.toMatchObject({ code });
  });

  it('is refused after close', async () => {
    await using running = await startServer();
    await running.server.close();
    await expect(running.server.publish('t', 1)).rejects.toMatchObject({ code: 'closed' });
  });
});
