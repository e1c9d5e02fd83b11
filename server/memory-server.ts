/**
 * A server in a process of its own, which tells a test how much memory it takes: `external` or `rss`. Its options come
 * as JSON. Run it with --expose-gc.
 */
import { createServer as createHttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createServer } from './create-server.ts';
import type { ServerOptions } from './options.ts';

const ignore = () => undefined;
const logger = { debug: ignore, info: ignore, warn: ignore, error: ignore };
const options = JSON.parse(process.argv[2] ?? '{}') as ServerOptions;
const server = createServer({ logger, ...options });
const httpServer = createHttpServer();
server.attach(httpServer);
process.on('message', (kind) => {
  globalThis.gc!();
  process.send!(process.memoryUsage()[kind === 'rss' ? 'rss' : 'external']);
});
httpServer.listen(0, '127.0.0.1', () => process.send!((httpServer.address() as AddressInfo).port));
