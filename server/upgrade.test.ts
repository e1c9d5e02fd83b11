import { createServer as createHttpServer, request } from 'node:http';
import { WebSocket, WebSocketServer } from 'ws';
import { describe, expect, it } from 'vitest';
import { createServer } from './create-server.ts';
import { recordingLogger, startServer, type RunningServer } from './test-kit.ts';

/** Asks for an upgrade and resolves with the status of the answer; 101 when it was upgraded. */
const upgradeStatus = (port: number, path: string, headers: Record<string, string> = {}): Promise<number> =>
  new Promise((resolve, reject) => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, 'onesocket.v1', { headers });
    socket.on('unexpected-response', (_request, response) => {
      response.resume();
      resolve(response.statusCode!);
    });
    socket.on('open', () => {
      socket.terminate();
      resolve(101);
    });
    socket.on('error', reject);
  });

const get = async ({ port }: RunningServer, path: string, method = 'GET') => {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, { method });
  return { status: response.status, text: await response.text() };
};

describe('upgrade', () => {
  it('takes the path of the server, with any query', async () => {
    await using running = await startServer();
    expect(await upgradeStatus(running.port, '/realtime?a=b')).toBe(101);
  });

  it.each(['/', '/realtime/x', '/other'])('answers %s with 404 where nobody else listens', async (path) => {
    await using running = await startServer();
    expect(await upgradeStatus(running.port, path)).toBe(404);
  });

  it('leaves other paths to other listeners', async () => {
    await using running = await startServer();
    const other = new WebSocketServer({ noServer: true });
    running.httpServer.on('upgrade', (upgrade, socket, head) => {
      if (upgrade.url === '/other') other.handleUpgrade(upgrade, socket, head, () => undefined);
    });
    expect(await upgradeStatus(running.port, '/other')).toBe(101);
    expect(await upgradeStatus(running.port, '/realtime')).toBe(101);
    other.close();
  });

  it('keeps two servers on one HTTP server apart', async () => {
    await using running = await startServer();
    const second = createServer({ logger: running.logger });
    second.attach(running.httpServer, { path: '/second' });
    expect(await upgradeStatus(running.port, '/second')).toBe(101);
    expect(await upgradeStatus(running.port, '/realtime')).toBe(101);
    expect(await upgradeStatus(running.port, '/third')).toBe(404);
    expect([running.server.stats().connected, second.stats().connected]).toEqual([1, 1]);
    await second.close();
  });

  it('that lost its Upgrade header on the way is answered 426, and told in the log once', async () => {
    await using running = await startServer();
    const headers = { 'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==', 'sec-websocket-version': '13' };
    for (let times = 1; times <= 2; times++) {
      const response = await fetch(`http://127.0.0.1:${running.port}/realtime`, { headers });
      expect([response.status, response.headers.get('upgrade')]).toEqual([426, 'websocket']);
    }
    const told = running.logger.lines.filter((line) => line.includes('without its Upgrade header'));
    expect(told).toHaveLength(1);
    expect((await get(running, '/realtime')).status).toBe(404);
  });

  it('is refused 403 for an origin that is not on the list', async () => {
    await using running = await startServer({ origins: ['https://a.example', 'http://localhost:3000'] });
    const status = (origin?: string) => upgradeStatus(running.port, '/realtime', origin ? { origin } : {});
    expect(await status('https://a.example')).toBe(101);
    expect(await status('http://localhost:3000')).toBe(101);
    expect(await status('https://a.example.evil')).toBe(403);
    expect(await status('http://a.example')).toBe(403);
    expect(await status('null')).toBe(403);
    expect(await status()).toBe(403);
  });

  it('is open to any origin without a list', async () => {
    await using running = await startServer();
    expect(await upgradeStatus(running.port, '/realtime', { origin: 'https://any.example' })).toBe(101);
  });

  it('is refused 503 above the limit of connections', async () => {
    await using running = await startServer({ limits: { connections: 1 } });
    const client = await running.client({ hello: {} });
    expect(await upgradeStatus(running.port, '/realtime')).toBe(503);
    client.socket.close();
    await expect.poll(() => running.server.stats().connections).toBe(0);
    expect(await upgradeStatus(running.port, '/realtime')).toBe(101);
  });

  it('that is no WebSocket is answered 4xx', async () => {
    await using running = await startServer();
    const status = await new Promise((resolve, reject) => {
      const headers = { connection: 'upgrade', upgrade: 'websocket' };
      request({ port: running.port, host: '127.0.0.1', path: '/realtime', headers }, (response) => {
        response.resume();
        resolve(response.statusCode);
      })
        .on('error', reject)
        .end();
    });
    expect(status).toBe(400);
  });
});

describe('healthz', () => {
  it('answers 200 with the number of connections', async () => {
    await using running = await startServer();
    await running.client({ hello: {} });
    const { status, text } = await get(running, '/healthz?x');
    expect([status, JSON.parse(text)]).toEqual([200, { status: 'ok', connections: 1 }]);
  });

  it('answers 503 while and after closing', async () => {
    await using running = await startServer();
    await running.server.close();
    expect(await get(running, '/healthz')).toEqual({
      status: 503,
      text: '{"status":"closing","connections":0}',
    });
    expect(await upgradeStatus(running.port, '/realtime')).toBe(503);
  });

  it('leaves all other requests to the app, whenever it began to listen', async () => {
    const httpServer = createHttpServer((incoming, response) => response.end(`first ${incoming.url}`));
    const server = createServer({ logger: recordingLogger() });
    server.attach(httpServer);
    const later: string[] = [];
    httpServer.on('request', (incoming) => later.push(incoming.url!));
    await new Promise<void>((resolve) => httpServer.listen(0, '127.0.0.1', resolve));
    const { port } = httpServer.address() as { port: number };
    const text = async (path: string, method = 'GET') =>
      (await fetch(`http://127.0.0.1:${port}${path}`, { method })).text();
    expect(await text('/page')).toBe('first /page');
    expect(await text('/healthz')).toContain('ok');
    expect(await text('/healthz', 'POST')).toBe('first /healthz');
    expect(later).toEqual(['/page', '/healthz']);
    httpServer.closeAllConnections();
    httpServer.close();
  });

  it('answers what no listener would answer with 404', async () => {
    await using running = await startServer();
    expect((await get(running, '/page')).status).toBe(404);
  });
});
