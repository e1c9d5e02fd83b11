import { describe, expect, it } from 'vitest';
import { createDeferred } from './deferred.ts';
import type { RequestContext, RequestHandler } from './hooks.ts';
import { RequestError } from './request-error.ts';
import { startServer, type TestClient } from './test-kit.ts';

const request = (client: TestClient, method: string, payload: unknown = null, timeoutMs = 1000) =>
  client.send({ type: 'request', method, payload, timeoutMs });

/** What an error that is not meant for the client is answered with. */
const unknownError = {
  code: 'request-failed',
  message: expect.stringMatching(/^the request failed \(error [0-9a-f-]{36}\)$/),
};

describe('request', () => {
  it('is answered by its handler, who knows the client', async () => {
    let seen: RequestContext | undefined;
    await using running = await startServer({
      authenticate: () => ({ identity: 'me', claims: 7 }),
      requests: {
        'orders.place': async (input, context) => {
          seen = context;
          return { placed: input };
        },
      },
    });
    const client = await running.client({ hello: { token: 'x', clientId: 'abc', clientEpoch: 3 } });
    const id = request(client, 'orders.place', [1]);
    expect(await client.one('response')).toMatchObject({ re: id, payload: { placed: [1] } });
    expect(seen).toMatchObject({ identity: 'me', claims: 7, clientId: 'abc', clientEpoch: 3, id });
    expect(seen!.signal.aborted).toBe(false);
  });

  it('takes and gives bytes', async () => {
    await using running = await startServer({
      requests: {
        reverse: (input) => (input as Uint8Array).toReversed(),
        buffer: () => new Uint8Array([1, 2]).buffer,
      },
    });
    const client = await running.client({ hello: {} });
    client.sendBytes({ type: 'request', method: 'reverse', timeoutMs: 0 }, new Uint8Array([1, 2, 3]));
    expect([...((await client.one('response')).payload as Uint8Array)]).toEqual([3, 2, 1]);
    request(client, 'buffer');
    expect([...((await client.one('response', 1)).payload as Uint8Array)]).toEqual([1, 2]);
  });

  it('without a result is answered with null', async () => {
    await using running = await startServer({ requests: { nothing: () => undefined } });
    const client = await running.client({ hello: {} });
    request(client, 'nothing');
    expect((await client.one('response')).payload).toBe(null);
  });

  it.each(['missing', 'toString', 'constructor', '__proto__'])(
    'with the method %s is unknown',
    async (method) => {
      await using running = await startServer({ requests: { known: () => 1 } });
      const client = await running.client({ hello: {} });
      const id = request(client, method);
      expect(await client.one('error')).toMatchObject({ re: id, payload: { code: 'unknown-method' } });
    },
  );

  it('that authorize refuses does not reach its handler', async () => {
    let calls = 0;
    await using running = await startServer({
      authorize: ({ action, topic }) => action !== 'request' || topic !== 'admin',
      requests: { admin: () => ++calls, user: () => 'ok' },
    });
    const client = await running.client({ hello: {} });
    const id = request(client, 'admin');
    expect(await client.one('error')).toMatchObject({ re: id, payload: { code: 'forbidden' } });
    request(client, 'user');
    await client.one('response');
    expect(calls).toBe(0);
  });

  it.each<[string, RequestHandler, object]>([
    [
      'throws',
      () => {
        throw new Error('password=1');
      },
      unknownError,
    ],
    ['rejects', () => Promise.reject(new Error('password=1')), unknownError],
    [
      'throws nothing',
      () => {
        throw undefined;
      },
      unknownError,
    ],
    [
      'throws a RequestError',
      () => {
        throw new RequestError('out-of-stock', 'only 3 left');
      },
      { code: 'out-of-stock', message: 'only 3 left' },
    ],
    ['returns what JSON cannot hold', () => 1n, unknownError],
    [
      'returns too much',
      () => 'x'.repeat(1000),
      { code: 'too-large', message: 'the response is larger than 500 bytes' },
    ],
  ])('whose handler %s is answered with an error', async (_case, handler, payload) => {
    await using running = await startServer({ requests: { handler }, limits: { messageBytes: 500 } });
    const client = await running.client({ hello: {} });
    request(client, 'handler');
    expect((await client.one('error')).payload).toEqual(payload);
    expect(running.server.stats()).toMatchObject({ requests: 1, requestsFailed: 1 });
  });

  it.each([
    ['its own', 20, 1000],
    ['the server', 1000, 20],
  ])('ends at the deadline of %s', async (_whose, timeoutMs, requestTimeoutMs) => {
    const aborted = createDeferred<unknown>();
    await using running = await startServer({
      limits: { requestTimeoutMs },
      requests: {
        slow: (_input, { signal }) =>
          new Promise(() => signal.addEventListener('abort', () => aborted.resolve(signal.reason))),
      },
    });
    const client = await running.client({ hello: {} });
    request(client, 'slow', null, timeoutMs);
    expect((await client.one('error')).payload.code).toBe('timeout');
    expect(await aborted.promise).toBeInstanceOf(Error);
  });

  it('is aborted by a cancel, and not answered', async () => {
    const started = createDeferred();
    const answer = createDeferred<string>();
    let signal: AbortSignal | undefined;
    await using running = await startServer({
      requests: {
        slow: (_input, context) => {
          signal = context.signal;
          started.resolve();
          return answer.promise;
        },
      },
    });
    const client = await running.client({ hello: {} });
    const id = request(client, 'slow');
    await started.promise;
    client.send({ type: 'cancel', re: id }, { type: 'cancel', re: 'unknown' });
    await client.roundTrip();
    expect(signal!.aborted).toBe(true);
    answer.resolve('late');
    await client.roundTrip();
    expect(client.all('response')).toEqual([]);
  });

  it('is aborted when the client disconnects', async () => {
    const started = createDeferred();
    const aborted = createDeferred();
    await using running = await startServer({
      requests: {
        slow: (_input, { signal }) => {
          signal.addEventListener('abort', () => aborted.resolve());
          started.resolve();
          return new Promise(() => undefined);
        },
      },
    });
    const client = await running.client({ hello: {} });
    request(client, 'slow');
    await started.promise;
    client.socket.terminate();
    await aborted.promise;
  });

  it('above the limit is refused, cancelled ones that still run included', async () => {
    const answers: (() => void)[] = [];
    await using running = await startServer({
      limits: { pendingRequests: 2 },
      requests: { slow: () => new Promise<void>((resolve) => answers.push(resolve)) },
    });
    const client = await running.client({ hello: {} });
    const first = request(client, 'slow');
    client.send({ type: 'cancel', re: first });
    request(client, 'slow');
    const third = request(client, 'slow');
    expect(await client.one('error')).toMatchObject({
      re: third,
      payload: { code: 'limit', retryable: true },
    });
    answers[0]!();
    await client.roundTrip();
    request(client, 'slow');
    await client.roundTrip();
    expect(answers.length).toBe(3);
  });

  it('with an id in use is closed 4405', async () => {
    await using running = await startServer({ requests: { slow: () => new Promise(() => undefined) } });
    const client = await running.client({ hello: {} });
    const twice = { type: 'request', id: 'same', method: 'slow', payload: 0, timeoutMs: 0 };
    client.send(twice, twice);
    expect((await client.closed).code).toBe(4405);
  });
});
