import type { Server } from 'node:http';
import { createServer } from 'onesocket/server';
import { Server as SocketIo } from 'socket.io';
import { WebSocketServer } from 'ws';
import { topic, type Peer } from './contract.ts';

/** One of the servers that are compared. */
interface NodeSide {
  connections(): number;
  sendToAll(message: object): void;
}

/** Longer than a run takes: the crowd answers no ping, on any side. */
const heartbeatMs = 10 * 60 * 1000;

/** Puts a server on an HTTP server. None compresses, each keeps its other defaults. */
export const sidesOf: Readonly<Record<Peer, (http: Server) => NodeSide>> = {
  ours(http) {
    const server = createServer({
      heartbeatMs,
      limits: {
        connections: 1_000_000,
        connectionsPerAddress: 1_000_000,
        upgradesPerMinute: 1_000_000,
        upgradeBurst: 1_000_000,
      },
    });
    server.attach(http, { path: '/realtime' });
    return {
      connections: () => server.stats().connections,
      sendToAll: (message) => void server.publish(topic, message),
    };
  },

  direct(http) {
    const server = new WebSocketServer({ noServer: true, perMessageDeflate: false });
    http.on('upgrade', (request, socket, head) =>
      server.handleUpgrade(request, socket, head, (ws) => server.emit('connection', ws)),
    );
    server.on('connection', (socket) => {
      // What a hand-written server does of what ours does: it reads the message and acknowledges it.
      socket.on('message', (data) => {
        const { seq } = JSON.parse(String(data)) as { seq: number };
        socket.send(JSON.stringify({ type: 'ack', seq }));
      });
    });
    return {
      connections: () => server.clients.size,
      sendToAll(message) {
        // Encoded once: a string would be made into bytes again for each client.
        const data = Buffer.from(JSON.stringify(message));
        for (const client of server.clients) client.send(data, { binary: false });
      },
    };
  },

  'socket.io'(http) {
    // One transport and no fallback, as on the other sides.
    const server = new SocketIo(http, {
      transports: ['websocket'],
      pingInterval: heartbeatMs,
      serveClient: false,
    });
    return {
      connections: () => server.engine.clientsCount,
      sendToAll: (message) => void server.emit('message', message),
    };
  },
};
