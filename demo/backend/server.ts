import { createServer as createHttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createServer } from 'onesocket/server';
import { isChatText } from '../chat-text.ts';
import type { ServerCounts, ServerInfo } from '../contract.ts';
import { serveParent } from './parent-channel.ts';
import { startTicker } from './ticker.ts';

// The server that the demo's page talks to: a process of its own, so that it can be frozen and killed for real.

const startedAt = performance.now();
const uptimeMs = (): number => performance.now() - startedAt;

const onesocket = createServer({
  authorize: ({ action, topic }) => (action === 'publish' ? topic === 'chat:lobby' : true),
  onPublish: ({ payload }) =>
    isChatText(payload)
      ? undefined
      : { code: 'rejected', message: 'a chat message has a tabId and a text', retryable: false },
  requests: { 'server.info': (): ServerInfo => ({ pid: process.pid, uptimeMs: uptimeMs() }) },
  // A minute of the ticker: whoever is cut off for less misses nothing.
  // The rates are out of the way, for the benchmark publishes as fast as one hub can.
  limits: {
    historyMessages: 60_000,
    historyBytes: 32 * 1024 * 1024,
    messagesPerSecond: 1_000_000,
    messageBurst: 1_000_000,
    bytesPerSecond: 1_000_000_000,
    byteBurst: 1_000_000_000,
    controlsPerSecond: 1_000_000,
    controlBurst: 1_000_000,
  },
  heartbeatMs: 5_000,
  logger: {
    debug: () => {},
    info: () => {},
    warn: (...entry) => console.warn('server:', ...entry),
    error: (...entry) => console.error('server:', ...entry),
  },
});

let publishedPerSecond = 0;
let publishedBefore = 0;
setInterval(() => {
  const { accepted } = onesocket.stats();
  publishedPerSecond = accepted - publishedBefore;
  publishedBefore = accepted;
}, 1_000);

const counts = (): ServerCounts => {
  const { connections, subscriptions } = onesocket.stats();
  return { connections, subscriptions, publishedPerSecond, uptimeMs: uptimeMs() };
};

const httpServer = createHttpServer();
onesocket.attach(httpServer, { path: '/realtime' });
httpServer.listen(Number(process.env['PORT'] ?? 0), '127.0.0.1', () => {
  startTicker((tick) => void onesocket.publish('ticker', tick));
  serveParent((httpServer.address() as AddressInfo).port, counts);
});

// Ctrl+C in a terminal reaches every process of the group; the supervisor decides, and sends SIGTERM.
process.on('SIGINT', () => {});
process.once('SIGTERM', () => void onesocket.close({ withinMs: 1_000 }).finally(() => process.exit(0)));
