import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createTcpProxy, type TcpProxy } from './tcp-proxy.ts';

let proxy: TcpProxy;
let serverSockets: Socket[];
const clients: Socket[] = [];
const echo = createServer((socket) => {
  serverSockets.push(socket);
  socket.on('error', () => {}).pipe(socket);
});

const dial = async (): Promise<Socket> => {
  const socket = connect(proxy.port, '127.0.0.1');
  clients.push(socket);
  socket.on('error', () => {});
  await once(socket, 'connect');
  return socket;
};
const closed = (socket: Socket): Promise<void> =>
  new Promise((resolve) => socket.once('close', () => resolve()));
const answerTo = async (socket: Socket, text: string): Promise<string> => {
  socket.write(text);
  const [data] = await once(socket, 'data');
  return String(data);
};

beforeEach(async () => {
  serverSockets = [];
  await new Promise<void>((resolve) => echo.listen(0, '127.0.0.1', resolve));
  proxy = await createTcpProxy({ targetPort: (echo.address() as AddressInfo).port });
});

afterEach(async () => {
  for (const socket of clients.splice(0)) socket.destroy();
  await proxy.close();
  await new Promise((resolve) => echo.close(resolve));
});

test('passes bytes on in both directions', async () => {
  expect(await answerTo(await dial(), 'hello')).toBe('hello');
  expect(proxy.connections).toBe(1);
});

test('resets both ends of every connection when cut', async () => {
  const client = await dial();
  await answerTo(client, 'hello');
  const gone = [closed(client), ...serverSockets.map(closed)];
  proxy.cut();
  await Promise.all(gone);
  expect(proxy.connections).toBe(0);
});

test('resets new connections while cut, and takes them again when healed', async () => {
  proxy.cut();
  await closed(connect(proxy.port, '127.0.0.1').on('error', () => {}));
  proxy.heal();
  expect(await answerTo(await dial(), 'hello')).toBe('hello');
});

test('holds bytes back while stalled, and passes them on when healed', async () => {
  const client = await dial();
  await answerTo(client, 'before');
  proxy.stall();
  const late = await dial();
  let isAnswered = false;
  const answers = Promise.all([answerTo(client, 'old'), answerTo(late, 'new')]).finally(
    () => (isAnswered = true),
  );
  // Another path through the same event loop takes longer than a byte that is not held would.
  const other = await createTcpProxy({ targetPort: (echo.address() as AddressInfo).port });
  const free = connect(other.port, '127.0.0.1');
  await answerTo(free, 'round trip');
  free.destroy();
  await other.close();
  expect(isAnswered).toBe(false);
  expect(proxy.connections).toBe(2);
  proxy.heal();
  expect(await answers).toEqual(['old', 'new']);
});

test('tells the server of a client that left during a stall only when healed', async () => {
  const client = await dial();
  await answerTo(client, 'hello');
  const [server] = serverSockets;
  proxy.stall();
  client.resetAndDestroy();
  expect(server?.destroyed).toBe(false);
  const gone = server && closed(server);
  proxy.heal();
  await gone;
  expect(proxy.connections).toBe(0);
});
