import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest';
import { startServerProcess, type ServerProcess } from './server-process.ts';

const folder = mkdtempSync(join(tmpdir(), 'onesocket-'));
const entry = join(folder, 'server.mts');
writeFileSync(
  entry,
  `import { createServer, type AddressInfo } from 'node:net';
   import { serveParent } from ${JSON.stringify(new URL('parent-channel.ts', import.meta.url).href)};
   const server = createServer((socket) => socket.end('hi'));
   server.listen(Number(process.env.PORT), '127.0.0.1', () => {
     serveParent((server.address() as AddressInfo).port, (message) => {
       if (message === 'fail') throw new Error('as asked');
       return { message, pid: process.pid };
     });
   });`,
);

let server: ServerProcess;
beforeEach(async () => {
  server = await startServerProcess({ entry });
});
afterEach(() => server.kill());
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const greeting = (port: number): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('data', (data) => resolve(String(data))).once('error', reject);
  });

test('listens where it says, and answers what it is asked', async () => {
  expect(await greeting(server.port)).toBe('hi');
  expect(await server.request('ping')).toEqual({ message: 'ping', pid: server.pid });
  await expect(server.request('fail')).rejects.toThrow('as asked');
});

test('comes back as another process on the same port', async () => {
  const { pid, port } = server;
  await server.restart();
  expect(server.pid).not.toBe(pid);
  expect(server.port).toBe(port);
  expect(await greeting(port)).toBe('hi');
});

test('answers nothing while frozen, and goes on when thawed', async () => {
  server.stop();
  expect(server.frozen).toBe(true);
  await expect(server.request('ping', 200)).rejects.toThrow('no answer within 200 ms');
  server.cont();
  expect(await server.request('ping')).toMatchObject({ message: 'ping' });
});

test('can be ended while frozen, by a signal that it may handle too', async () => {
  server.stop();
  await server.kill('SIGTERM');
  expect(server.running).toBe(false);
  await expect(server.request('ping')).rejects.toThrow('not running');
});

test('rejects when the script ends before it listens', async () => {
  const broken = join(folder, 'broken.mjs');
  writeFileSync(broken, 'process.exit(3);');
  await expect(startServerProcess({ entry: broken, output: 'ignore' })).rejects.toThrow('ended with 3');
});
