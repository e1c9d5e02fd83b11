import { readFile } from 'node:fs/promises';
import { createServer as createHttpServer } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { createServer } from 'onesocket/server';
import { WebSocketServer } from 'ws';
import { serveParent } from '../demo/backend/parent-channel.ts';
import { electionPath, heldTopic, topic, type BenchCommand, type ServerCost, type Side } from './contract.ts';
import { heldMemory } from './memory.ts';

// One process serves the page and both sides, so that neither has a better machine than the other.

const dist = fileURLToPath(new URL('../dist/', import.meta.url));

// Of Logux a page gets the one module that is measured, and the one that it imports.
const loguxClient = fileURLToPath(import.meta.resolve('@logux/client'));
const peerFiles: Readonly<Record<string, string>> = {
  '/logux/store.js': join(dirname(loguxClient), 'indexed-store/index.js'),
  '/logux/core.js': join(
    dirname(createRequire(loguxClient).resolve('@logux/core')),
    'is-first-older/index.js',
  ),
  [electionPath]: join(
    dirname(fileURLToPath(import.meta.resolve('broadcast-channel'))),
    '../lib/browser.min.js',
  ),
};
const html = `<!doctype html><title>bench</title>
<script type="importmap">{ "imports": { "@logux/core": "/logux/core.js" } }</script>`;

/** Who waits for the next message of a restarted page, and what its publishes wait for. */
const firstMessage: Record<Side, (at: number) => void> = { ours: () => {}, direct: () => {} };
let released = Promise.resolve();
let release = () => {};

function awaitFirstMessage(side: Side): Promise<number> {
  released = new Promise((resolve) => (release = resolve));
  return new Promise((resolve) => (firstMessage[side] = resolve));
}

// The history holds a whole flood: what is measured is delivery, not how much of it can be missed.
const onesocket = createServer({
  limits: {
    historyMessages: 1_000_000,
    historyBytes: 512 * 1024 * 1024,
    totalHistoryBytes: 512 * 1024 * 1024,
    // The peer has no rates either.
    messagesPerSecond: 1_000_000,
    messageBurst: 1_000_000,
    bytesPerSecond: 1024 * 1024 * 1024,
    byteBurst: 1024 * 1024 * 1024,
  },
  onPublish({ topic: name }) {
    // No promise for the others: it would cost each of them a microtask.
    if (name !== heldTopic) return undefined;
    firstMessage.ours(Date.now());
    return released;
  },
});
const direct = new WebSocketServer({ noServer: true, perMessageDeflate: false });

// What a hand-written server does: each message is a frame of its own to every socket.
direct.on('connection', (socket) => {
  socket.on('message', (data, isBinary) => {
    firstMessage.direct(Date.now());
    for (const client of direct.clients) client.send(data, { binary: isBinary });
  });
});

const http = createHttpServer(async (request, response) => {
  // No idle HTTP connection may be counted as a cost of either side.
  response.setHeader('connection', 'close');
  const name = /^\/dist\/([\w.]+\.js)\b/.exec(request.url ?? '')?.[1];
  const file = name ? dist + name : peerFiles[request.url ?? ''];
  if (file) response.setHeader('content-type', 'text/javascript').end(await readFile(file));
  else response.setHeader('content-type', 'text/html').end(html);
});
onesocket.attach(http, { path: '/realtime' });
// Any other path is never answered: a server that cannot be reached.
http.on('upgrade', (request, socket, head) => {
  if (request.url === '/direct')
    direct.handleUpgrade(request, socket, head, (ws) => direct.emit('connection', ws));
});

/** Messages per turn of the event loop, and bytes in a socket's buffer at which the direct side waits. */
const burst = 500;
const bufferedBytes = 4 * 1024 * 1024;

/** About 115 bytes of JSON, as a price tick has. */
const message = (n: number) => ({
  n,
  symbol: 'ACME',
  price: 101.25 + (n % 100) / 100,
  size: 300,
  side: 'buy',
  venue: 'XETR',
  at: 1_700_000_000_000 + n,
});

async function flood(side: Side, count: number): Promise<void> {
  for (let n = 1; n <= count; n++) {
    if (side === 'ours') void onesocket.publish(topic, message(n));
    else sendToAll(JSON.stringify(message(n)));
    if (n % burst === 0) await nextTurn();
    while (side === 'direct' && isCongested()) await nextTurn();
  }
}

function sendToAll(text: string): void {
  for (const client of direct.clients) client.send(text);
}

function isCongested(): boolean {
  for (const client of direct.clients) if (client.bufferedAmount > bufferedBytes) return true;
  return false;
}

async function cost(side: Side): Promise<ServerCost> {
  const { memoryBytes } = await heldMemory();
  const connections = side === 'ours' ? onesocket.stats().connections : direct.clients.size;
  return { connections, memoryBytes };
}

http.listen(0, '127.0.0.1', () => {
  serveParent((http.address() as AddressInfo).port, async (asked) => {
    const command = asked as BenchCommand;
    if (command.kind === 'cost') return cost(command.side);
    if (command.kind === 'release') return release();
    if (command.kind === 'first') return awaitFirstMessage(command.side);
    const startedAt = Date.now();
    await flood(command.side, command.count);
    return startedAt;
  });
});
