import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { createDeferred } from './deferred.ts';
import { startServer } from './test-kit.ts';

describe('close', () => {
  it('says goaway and closes 1012', async () => {
    await using running = await startServer({ limits: { reconnectSpreadMs: 300 } });
    const client = await running.client({ hello: {} });
    const greeting = await running.client();
    await running.server.close();
    const { payload } = await client.one('goaway');
    expect(payload.reason).toBe('the server restarts');
    expect(payload.retryAfterMs).toBeLessThanOrEqual(300);
    expect(await client.closed).toEqual({ code: 1012, reason: 'the server restarts' });
    expect((await greeting.closed).code).toBe(1012);
    expect(running.server.stats()).toMatchObject({ connections: 0, subscriptions: 0 });
  });

  it('lets publishes in process finish', async () => {
    const asked = createDeferred();
    const answer = createDeferred<undefined>();
    await using running = await startServer({
      onPublish: () => {
        asked.resolve();
        return answer.promise;
      },
    });
    const client = await running.client({ hello: {} });
    client.send({ type: 'publish', topic: 't', seq: 1, payload: 0 });
    await asked.promise;
    const closing = running.server.close();
    await client.one('goaway');
    answer.resolve(undefined);
    await closing;
    expect((await client.closed).code).toBe(1012);
    expect(client.all('ack').at(-1)?.seq).toBe(1);
  });

  it('ends in time what does not close', async () => {
    await using running = await startServer({ onPublish: () => new Promise<never>(() => undefined) });
    const stuck = await running.client({ hello: { clientId: 'stuck' } });
    stuck.send({ type: 'publish', topic: 't', seq: 1, payload: 0 });
    await expect.poll(() => running.server.stats().published).toBe(1);
    const deaf = await running.client({ hello: { clientId: 'deaf' } });
    deaf.socket.pause();
    const start = performance.now();
    await running.server.close({ withinMs: 100 });
    expect(performance.now() - start).toBeLessThan(3000);
    expect(running.server.stats().connections).toBe(0);
  });

  it('called twice is the same', async () => {
    await using running = await startServer();
    await running.client({ hello: {} });
    const first = running.server.close();
    expect(running.server.close()).toBe(first);
    await first;
  });

  it('refuses a wrong time', async () => {
    await using running = await startServer();
    expect(() => running.server.close({ withinMs: -1 })).toThrow('withinMs must be an integer');
  });

  it('lets the process exit', async () => {
    const script = `
      import { startServer } from './server/test-kit.ts';
      const running = await startServer({ authenticate: () => ({ identity: 'me', expiresAt: Date.now() + 3_600_000 }) });
      const client = await running.client({ hello: { token: 'x' } });
      await client.subscribe('t');
      await client.publish('t', 1, 10);
      await running.server.close();
      running.httpServer.close();
    `;
    const child = spawn('node', ['--import', 'tsx', '--input-type=module', '-e', script], {
      stdio: 'inherit',
    });
    expect(await once(child, 'exit')).toEqual([0, null]);
  }, 20_000);
});
