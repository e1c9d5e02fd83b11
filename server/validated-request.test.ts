import * as v from 'valibot';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { z } from 'zod';
import { createServer } from './create-server.ts';
import type { RequestHandlers } from './validated-request.ts';
import { startServer, type TestClient } from './test-kit.ts';

const numbers = {
  valibot: v.object({ a: v.number(), b: v.number() }),
  zod: z.object({ a: z.number(), b: z.number() }),
};

const ask = async (client: TestClient, payload: unknown) => {
  const id = client.send({ type: 'request', method: 'sum', payload, timeoutMs: 1000 });
  await client.until(() => [...client.all('response'), ...client.all('error')].some(({ re }) => re === id));
  return [...client.all('response'), ...client.all('error')].find(({ re }) => re === id)!.payload;
};

const serverOf = <S>(requests: RequestHandlers<S>) => startServer({ requests: requests as never });

describe('a request handler with a schema', () => {
  it.each(Object.entries(numbers))('of %s gets what fits, and nothing else', async (_library, input) => {
    const seen: unknown[] = [];
    const handle = (sum: { a: number; b: number }) => {
      seen.push(sum);
      return sum.a + sum.b;
    };
    await using running = await serverOf({ sum: { input: input as never, handle: handle as never } });
    const client = await running.client({ hello: {} });
    expect(await ask(client, { a: 2, b: 3, more: true })).toBe(5);
    expect(await ask(client, { a: 2, b: 'three' })).toMatchObject({
      code: 'invalid-payload',
      message: expect.stringMatching(/^b: /),
    });
    expect(await ask(client, null)).toMatchObject({ code: 'invalid-payload' });
    expect(seen).toEqual([{ a: 2, b: 3 }]);
  });

  it('gives its types to the handler', () => {
    const { close } = createServer({
      logger: { debug() {}, info() {}, warn() {}, error() {} },
      requests: {
        plain: (input) => expectTypeOf(input).toEqualTypeOf<unknown>(),
        withValibot: {
          input: numbers.valibot,
          handle: (input, { signal }) => {
            expectTypeOf(signal).toEqualTypeOf<AbortSignal>();
            expectTypeOf(input).toEqualTypeOf<{ a: number; b: number }>();
          },
        },
        withZod: {
          input: numbers.zod,
          handle: ({ a }) => expectTypeOf(a).toEqualTypeOf<number>(),
        },
      },
    });
    return close();
  });

  it('that transforms gives the handler its output, also after a wait', async () => {
    const input = v.pipeAsync(
      v.string(),
      v.transformAsync(async (text) => text.length),
    );
    await using running = await serverOf({ sum: { input, handle: (length: unknown) => length } as never });
    const client = await running.client({ hello: {} });
    expect(await ask(client, 'four')).toBe(4);
  });

  it('names some issues of many, and bounds each', async () => {
    const input = v.array(
      v.pipe(
        v.string(),
        v.check(() => false, 'x'.repeat(5_000)),
      ),
    );
    await using running = await serverOf({ sum: { input, handle: () => 0 } as never });
    const client = await running.client({ hello: {} });
    const answer = (await ask(client, Array.from({ length: 50 }, String))) as { message: string };
    expect(answer.message).toMatch(/^0: x{120}; 1: x{120}/);
    expect(answer.message.length).toBeLessThanOrEqual(1024);
  });

  it('that fails itself tells no more than that', async () => {
    const validate = () => {
      throw new Error('password=1');
    };
    const input = { '~standard': { version: 1, vendor: 'test', validate } } as const;
    await using running = await serverOf({ sum: { input, handle: () => 0 } as never });
    const client = await running.client({ hello: {} });
    const { message } = (await ask(client, 1)) as { message: string };
    expect(message).not.toContain('password');
    const [, errorId] = /\(error (.*)\)/.exec(message)!;
    expect(running.logger.lines.some((line) => line.includes(errorId!) && line.includes('password=1'))).toBe(
      true,
    );
  });

  it('that is cancelled while its input is validated is not called', async () => {
    let go!: () => void;
    let calls = 0;
    const validate = () => new Promise<{ value: number }>((resolve) => (go = () => resolve({ value: 1 })));
    const input = { '~standard': { version: 1, vendor: 'test', validate } } as const;
    await using running = await serverOf({ sum: { input, handle: (): number => ++calls } as never });
    const client = await running.client({ hello: {} });
    const id = client.send({ type: 'request', method: 'sum', payload: 1, timeoutMs: 1000 });
    await client.roundTrip();
    client.send({ type: 'cancel', re: id });
    await client.roundTrip();
    go();
    await client.roundTrip();
    expect(calls).toBe(0);
  });

  it.each([[{ handle: Number }], [{ input: {}, handle: Number }], [{ input: numbers.zod }], [7]] as const)(
    'is none where it is %j',
    (given) =>
      expect(() => createServer({ requests: { sum: given as never } })).toThrow(
        expect.objectContaining({ code: 'invalid-option' }),
      ),
  );
});
