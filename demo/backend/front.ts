import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { connect, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { controlActions } from '../contract.ts';
import { linkSockets } from './socket-link.ts';
import type { StaticFiles } from './static-files.ts';
import type { Supervisor } from './supervisor.ts';

/**
 * The one address that a visitor's browser sees: the page, its controls under /control/, and the upgrade of
 * /realtime, whose bytes go through the supervisor's path, so that a cut there resets the browser's own connection.
 */
export const createFront = (files: StaticFiles, supervisor: Supervisor): Server => {
  const server = createServer((request, response) => {
    if (!isOurs(request, request.method === 'POST')) return void response.writeHead(403).end();
    const path = new URL(request.url ?? '/', 'http://localhost').pathname;
    if (path.startsWith('/control/')) void answerControl(path.slice(9), request, response, supervisor);
    else files.serve(path, request, response);
  });
  server.on('upgrade', (request, socket, head) => {
    if (isOurs(request, true)) tunnel(request, socket, head, supervisor.port);
    else socket.end('HTTP/1.1 403 Forbidden\r\nConnection: close\r\n\r\n');
  });
  return server;
};

// A page of another site must reach neither the controls nor the socket, by DNS rebinding (Host) or directly (Origin).
const isOurs = ({ headers }: IncomingMessage, needsOrigin: boolean): boolean => {
  const host = headers.host ?? '';
  if (!/^(?:localhost|127\.0\.0\.1|\[::1\])(?::\d+)?$/.test(host)) return false;
  return !needsOrigin || headers.origin === `http://${host}`;
};

const answerControl = async (
  name: string,
  request: IncomingMessage,
  response: ServerResponse,
  supervisor: Supervisor,
): Promise<void> => {
  const action = controlActions.find((known) => known === name);
  const isKnown = request.method === 'POST' ? action !== undefined : name === 'state';
  if (!isKnown) return void response.writeHead(404).end();
  try {
    if (action !== undefined) await supervisor.control(action);
    response.setHeader('content-type', 'application/json');
    response.setHeader('cache-control', 'no-store');
    response.end(JSON.stringify(await supervisor.state()));
  } catch (error) {
    console.error(`control ${name}:`, error);
    response.writeHead(500).end();
  }
};

const tunnel = (request: IncomingMessage, socket: Duplex, head: Buffer, port: number): void => {
  if (!(socket instanceof Socket)) return void socket.destroy();
  linkSockets({
    near: socket,
    open: () => {
      const far = connect({ host: '127.0.0.1', port, allowHalfOpen: true, noDelay: true });
      far.write(headOf(request));
      far.write(head);
      return far;
    },
    onClosed: () => {},
  }).flow();
};

const headOf = ({ method, url, rawHeaders }: IncomingMessage): string => {
  const lines = [`${method} ${url} HTTP/1.1`];
  for (let i = 0; i < rawHeaders.length; i += 2) lines.push(`${rawHeaders[i]}: ${rawHeaders[i + 1]}`);
  return `${lines.join('\r\n')}\r\n\r\n`;
};
