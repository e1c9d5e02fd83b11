/**
 * A server that takes over from the one before it: it waits for the directory, tells its port by one line, and on
 * SIGTERM it drains, closes and ends.
 */
import { createServer as createHttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { ConnectionError } from '../../src/protocol/errors.ts';
import type { Backbone } from '../backbone.ts';
import { createServer } from '../create-server.ts';
import { drainOnSignal } from '../drain-on-signal.ts';
import { fileBackbone } from './file-backbone.ts';

const ignore = () => undefined;
const quiet = { debug: ignore, info: ignore, warn: ignore, error: ignore };
const [dir = '', withinMs = ''] = process.argv.slice(2);
const limits = { historyMessages: 1_000_000, historyBytes: 1e9 };

async function takeOver(attemptsLeft: number): Promise<Backbone> {
  try {
    return await fileBackbone(dir, { limits });
  } catch (reason) {
    if (!(reason instanceof ConnectionError) || attemptsLeft === 0) throw reason;
    await sleep(20);
    return takeOver(attemptsLeft - 1);
  }
}

const backbone = await takeOver(1000);
const server = createServer({ backbone, logger: quiet });
const httpServer = createHttpServer();
server.attach(httpServer);
drainOnSignal(server, {
  withinMs: Number(withinMs),
  done: async () => {
    httpServer.close();
    await backbone.close();
  },
});
httpServer.listen(0, '127.0.0.1', () => {
  process.stdout.write(`${(httpServer.address() as AddressInfo).port}\n`);
});
