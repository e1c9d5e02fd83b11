/** A server that a test kills. It tells its port by one line. */
import { createServer as createHttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createServer } from '../create-server.ts';
import { fileBackbone } from './file-backbone.ts';

const quiet = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};
const limits = { historyMessages: 1_000_000, historyBytes: 1e9 };
const backbone = await fileBackbone(process.argv[2]!, { limits });
const server = createServer({ backbone, logger: quiet });
const httpServer = createHttpServer();
server.attach(httpServer);
httpServer.listen(0, '127.0.0.1', () => {
  process.stdout.write(`${(httpServer.address() as AddressInfo).port}\n`);
});
