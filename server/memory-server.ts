/** A server in a process of its own, which tells a test how much memory its bytes take. Run it with --expose-gc. */
import { createServer as createHttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createServer } from './create-server.ts';

const ignore = () => undefined;
const server = createServer({ logger: { debug: ignore, info: ignore, warn: ignore, error: ignore } });
const httpServer = createHttpServer();
server.attach(httpServer);
process.on('message', () => {
  globalThis.gc!();
  process.send!(process.memoryUsage().external);
});
httpServer.listen(0, '127.0.0.1', () => process.send!((httpServer.address() as AddressInfo).port));
