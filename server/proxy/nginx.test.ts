import { request } from 'node:https';
import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { subprotocol } from '../../src/protocol/version.ts';
import type { ServerOptions } from '../options.ts';
import { startServer, TestClient, type RunningServer } from '../test-kit.ts';
import { nginxProgram, startNginx, type Edit, type Nginx } from './nginx.ts';

/** A client that connects through nginx, with TLS. */
async function connect(
  { port, certificate }: Nginx,
  path = '/realtime',
  headers: Readonly<Record<string, string>> = {},
): Promise<TestClient> {
  const url = `wss://localhost:${port}${path}`;
  const socket = new WebSocket(url, [subprotocol], { ca: certificate, headers });
  const client = new TestClient(socket);
  await new Promise<void>((resolve, reject) => {
    socket.on('open', resolve);
    socket.on('error', reject);
  });
  return client;
}

/** The status and body of a GET through nginx. */
const get = ({ port, certificate }: Nginx, path: string): Promise<{ status: number; body: string }> =>
  new Promise((resolve, reject) => {
    request({ host: 'localhost', port, path, ca: certificate }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text: string) => (body += text));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
    })
      .on('error', reject)
      .end();
  });

async function withNginx(
  options: ServerOptions,
  edits: readonly Edit[],
  test: (nginx: Nginx, running: RunningServer) => Promise<void>,
): Promise<void> {
  await using running = await startServer(options);
  await using nginx = await startNginx(running.port, edits);
  await test(nginx, running);
}

/** Far below what the documentation says, so that a test can wait for it. */
const shortTimeout: Edit = ['proxy_read_timeout 75s;', 'proxy_read_timeout 1s;'];

describe.skipIf(!nginxProgram)('behind nginx, as docs/nginx.conf has it', () => {
  it('a client connects by TLS, publishes, and gets what is published', async () => {
    await withNginx({}, [], async (nginx) => {
      const client = await connect(nginx);
      await client.hello();
      await client.subscribe('news');
      await client.publish('news', 1, 100);
      const messages = await client.some('message', 100);
      expect(messages.map(({ offset }) => offset)).toEqual(Array.from({ length: 100 }, (_, n) => n + 1));
      client.socket.close();
      await client.closed;
    });
  });

  it('the health check is answered', async () => {
    await withNginx({}, [], async (nginx) => {
      const { status, body } = await get(nginx, '/healthz');
      expect([status, JSON.parse(body).status]).toEqual([200, 'ok']);
    });
  });

  it('an idle connection outlives a read timeout, since the server pings', async () => {
    await withNginx({ heartbeatMs: 300 }, [shortTimeout], async (nginx) => {
      const client = await connect(nginx);
      await client.hello();
      let pings = 0;
      // As many as it takes for more than twice the timeout.
      await new Promise<void>((resolve, reject) => {
        client.socket.on('ping', () => (pings += 1) === 8 && resolve());
        client.socket.on('close', (code) => reject(new Error(`closed with ${code}`)));
      });
      await client.roundTrip();
      client.socket.terminate();
    });
  });

  it('an idle connection dies of a read timeout that is shorter than the heartbeat', async () => {
    await withNginx({ heartbeatMs: 60_000 }, [shortTimeout], async (nginx) => {
      const client = await connect(nginx);
      await client.hello();
      expect((await client.closed).code).toBe(1006);
    });
  });

  it('without the lines that pass the upgrade on, the server says what is missing', async () => {
    const edit: Edit = ['proxy_set_header Upgrade $http_upgrade;', "proxy_set_header Upgrade '';"];
    await withNginx({}, [edit], async (nginx, running) => {
      await expect(connect(nginx)).rejects.toThrow('426');
      expect(running.logger.lines.join()).toContain('without its Upgrade header');
    });
  });

  it('a trusted proxy is believed whose address it passes on', async () => {
    const seen: (string | undefined)[] = [];
    const authenticate: ServerOptions['authenticate'] = ({ request: { remoteAddress } }) => {
      seen.push(remoteAddress);
      return { identity: 'ada' };
    };
    for (const trustedProxies of [[], ['127.0.0.1']]) {
      await withNginx({ authenticate, trustedProxies }, [], async (nginx) => {
        const client = await connect(nginx, '/realtime', { 'x-forwarded-for': '203.0.113.9' });
        await client.hello({ token: 'any' });
        client.socket.terminate();
      });
    }
    // nginx is on this machine, and so is the client: with both trusted, it is who the client says it asks for.
    expect(seen).toEqual(['127.0.0.1', '203.0.113.9']);
  });

  it('the query of the URL is in no log', async () => {
    await withNginx({}, [], async (nginx) => {
      const client = await connect(nginx, '/realtime?token=canary');
      await client.hello();
      client.socket.close();
      await client.closed;
      const lines = await nginx.end();
      expect(lines).toHaveLength(1);
      expect(lines[0]).toContain('"GET /realtime" 101');
      expect(lines[0]).not.toContain('canary');
    });
  });
});
