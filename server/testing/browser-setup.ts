import { once } from 'node:events';
import { createServer as createHttpServer, type Server } from 'node:http';
import { createServer as createTcpServer, type AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { inspect } from 'node:util';
import { createServer, RequestError } from '../index.ts';
import { pathname } from '../upgrade.ts';
import { Peers, type Command } from './peers.ts';

/** Where a test in a browser finds its servers. A test names its connections by the query of the URL. */
export interface ServerUrls {
  /** A onesocket server. Its request handlers: `echo`, and `fail` with the code `out-of-stock`. */
  readonly realtime: string;
  /** Plain WebSockets that send back what they get. */
  readonly peers: string;
  /** Takes a {@link Command} as JSON, and answers it as JSON. */
  readonly commands: string;
  /** A port where nobody listens. */
  readonly refused: string;
}

/** What Vitest hands to a global setup, as far as this one needs it. */
interface Project {
  provide(key: 'serverUrls', value: ServerUrls): void;
}

/** Starts the servers of the browser tests; what it returns stops them. */
export async function setup(project: Project): Promise<() => Promise<void>> {
  const onesocket = createServer({
    requests: {
      echo: (input) => input,
      fail: () => {
        throw new RequestError('out-of-stock', 'only 3 are left');
      },
    },
    logger: { debug() {}, info() {}, warn() {}, error: report },
  });
  const httpServer = createHttpServer();
  onesocket.attach(httpServer, { path: '/realtime' });
  servePeers(httpServer);
  httpServer.listen(0, '127.0.0.1');
  await once(httpServer, 'listening');
  const host = `127.0.0.1:${(httpServer.address() as AddressInfo).port}`;
  project.provide('serverUrls', {
    realtime: `ws://${host}/realtime`,
    peers: `ws://${host}/peers`,
    commands: `http://${host}/commands`,
    refused: `ws://127.0.0.1:${await unusedPort()}/`,
  });
  return async () => {
    await onesocket.close({ withinMs: 500 });
    httpServer.closeAllConnections();
    httpServer.close();
  };
}

function servePeers(httpServer: Server): void {
  const peers = new Peers();
  httpServer.on('upgrade', (request, socket, head) => {
    peers.count(request);
    if (pathname(request) === '/peers') peers.accept(request, socket, head);
  });
  httpServer.on('request', (request, response) => {
    const answer = async () => {
      const command = JSON.parse(await text(request)) as Command;
      response.setHeader('Access-Control-Allow-Origin', '*');
      response.end(JSON.stringify((await peers.obey(command)) ?? null));
    };
    answer().catch((error: unknown) => {
      report(error);
      response.writeHead(500).end();
    });
  });
}

async function unusedPort(): Promise<number> {
  const server = createTcpServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

const report = (...entry: unknown[]): void => void process.stderr.write(`${inspect(entry)}\n`);
