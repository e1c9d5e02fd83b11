import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it, vi } from 'vitest';
import { createDeferred } from './deferred.ts';
import { knock } from './gate/knock.ts';
import { startServer, type RunningServer } from './test-kit.ts';

vi.setConfig({ testTimeout: 30_000 });
const patience = { timeout: 10_000 };

const status = async ({ port }: RunningServer, path: string) => {
  const response = await fetch(`http://127.0.0.1:${port}${path}`);
  return { status: response.status, body: (await response.json()) as unknown };
};

describe('drain', () => {
  it('lets nobody in, says so to health checks, and goes on to live', async () => {
    await using running = await startServer();
    const client = await running.client({ hello: {} });
    expect((await status(running, '/livez')).status).toBe(200);
    await running.server.drain();
    expect((await client.closed).code).toBe(1012);
    expect(await knock(running.port)).toEqual({ status: 503, retryAfter: 5 });
    expect(await status(running, '/healthz')).toEqual({
      status: 503,
      body: { status: 'draining', connections: 0 },
    });
    expect(await status(running, '/livez')).toEqual({
      status: 200,
      body: { status: 'draining', connections: 0 },
    });
    expect(running.server.stats().limitsHit.draining).toBe(1);
    // It is empty, not closed.
    await running.server.publish('t', 1);
  });

  it('spreads the return of the clients over its time', async () => {
    await using running = await startServer();
    const clients = [];
    for (let n = 0; n < 40; n++) clients.push(await running.client({ hello: { clientId: `c${n}` } }));
    await running.server.drain({ withinMs: 60_000 });
    const delays = await Promise.all(
      clients.map(async (client) => (await client.one('goaway')).payload.retryAfterMs),
    );
    expect(Math.max(...delays)).toBeLessThanOrEqual(60_000);
    expect(Math.min(...delays)).toBeGreaterThanOrEqual(0);
    // Of 40 random delays, all in one half of the time: 1 in 2^39.
    expect(delays.some((delay) => delay < 30_000)).toBe(true);
    expect(delays.some((delay) => delay > 30_000)).toBe(true);
  });

  it('waits for publishes in process and running requests, and answers them', async () => {
    const published = createDeferred<undefined>();
    const requested = createDeferred<string>();
    await using running = await startServer({
      onPublish: () => published.promise,
      requests: { wait: () => requested.promise },
    });
    const client = await running.client({ hello: {} });
    client.send(
      { type: 'publish', topic: 't', seq: 1, payload: 0 },
      { type: 'request', method: 'wait', timeoutMs: 0, payload: null },
    );
    await expect.poll(() => running.server.stats(), patience).toMatchObject({ published: 1, requests: 1 });
    const drained = running.server.drain();
    await client.one('goaway');
    published.resolve(undefined);
    await client.until(() => client.all('ack').some(({ seq }) => seq === 1));
    requested.resolve('answer');
    expect((await client.one('response')).payload).toBe('answer');
    await drained;
    expect((await client.closed).code).toBe(1012);
  });

  it('closes in time whom nothing else ends', async () => {
    const requests = { wait: () => new Promise<never>(() => undefined) };
    await using running = await startServer({ requests });
    const stuck = await running.client({ hello: { clientId: 'stuck' } });
    stuck.send({ type: 'request', method: 'wait', timeoutMs: 0, payload: null });
    const deaf = await running.client({ hello: { clientId: 'deaf' } });
    deaf.send({ type: 'request', method: 'wait', timeoutMs: 0, payload: null });
    await expect.poll(() => running.server.stats().requests, patience).toBe(2);
    deaf.socket.pause();
    await running.server.drain({ withinMs: 2000 });
    expect((await stuck.closed).code).toBe(1012);
    expect(running.server.stats().connections).toBe(0);
  });

  it('called twice is the same, and can be hurried', async () => {
    const requests = { wait: () => new Promise<never>(() => undefined) };
    await using running = await startServer({ requests });
    const client = await running.client({ hello: {} });
    client.send({ type: 'request', method: 'wait', timeoutMs: 0, payload: null });
    await expect.poll(() => running.server.stats().requests, patience).toBe(1);
    const first = running.server.drain({ withinMs: 1_000_000 });
    await client.one('goaway');
    await Promise.all([first, running.server.drain({ withinMs: 1000 })]);
    expect((await client.closed).code).toBe(1012);
    expect(client.all('goaway')).toHaveLength(1);
  });

  it('can be followed by close, which then finds it done', async () => {
    await using running = await startServer();
    await running.client({ hello: {} });
    await running.server.drain();
    await running.server.close();
    expect((await status(running, '/healthz')).body).toEqual({ status: 'closing', connections: 0 });
  });

  it('refuses a wrong time', async () => {
    await using running = await startServer();
    await expect(running.server.drain({ withinMs: 0 })).rejects.toThrow('withinMs must be an integer');
  });
});

describe('drainOnSignal', () => {
  /** A process with one client whose request never ends, so that a drain lasts as long as it may. */
  const start = async (options: string) => {
    const script = `
      import { startServer } from './server/test-kit.ts';
      import { drainOnSignal } from './server/drain-on-signal.ts';
      const running = await startServer({ requests: { wait: () => new Promise(() => undefined) } });
      const client = await running.client({ hello: {} });
      client.socket.on('close', (code) => console.log('closed', code));
      const done = () => { console.log('done'); running.httpServer.close(); };
      drainOnSignal(running.server, ${options});
      client.send({ type: 'request', method: 'wait', timeoutMs: 0, payload: null });
      await client.roundTrip();
      client.one('goaway').then(() => console.log('goaway'));
      console.log('ready');
    `;
    const child = spawn('node', ['--import', 'tsx', '--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let output = '';
    child.stdout.on('data', (data: Buffer) => (output += data.toString()));
    const exited = once(child, 'exit');
    const said = async (text: string) => {
      await expect.poll(() => output, { timeout: 10_000 }).toContain(text);
    };
    await said('ready');
    return { child, exited, said, output: () => output };
  };

  it('drains, closes and lets the process end', async () => {
    const { child, exited, output } = await start('{ withinMs: 1000, done }');
    child.kill('SIGTERM');
    expect(await exited).toEqual([0, null]);
    expect(output()).toMatch(/goaway\n.*closed 1012\n/s);
    expect(output()).toContain('done');
  }, 20_000);

  it('hurries at the second signal', async () => {
    const { child, exited, said, output } = await start('{ withinMs: 1_000_000, done }');
    child.kill('SIGTERM');
    await said('goaway');
    child.kill('SIGTERM');
    expect(await exited).toEqual([0, null]);
    expect(output()).toContain('closed 1012');
  }, 20_000);

  it('ends with the exit code 1 where the app fails to clean up', async () => {
    const failing = "{ withinMs: 100, done: () => { done(); throw new Error('no'); } }";
    const { child, exited } = await start(failing);
    child.kill('SIGTERM');
    expect(await exited).toEqual([1, null]);
  }, 20_000);
});
