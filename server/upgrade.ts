import { STATUS_CODES, type IncomingMessage, type Server as HttpServer } from 'node:http';
import type { Duplex } from 'node:stream';

/** Takes the upgrades of one path. */
export type UpgradeHandler = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

type Listener = UpgradeHandler;

/** Paths by the listener that takes them, over all servers of this module. */
const pathOf = new WeakMap<Listener, string>();

/**
 * Hands the upgrades of `path` to `handler` and leaves all others to the app's own listeners. Where there
 * are none, an unknown path is answered 404, for the socket would otherwise stay open for ever.
 */
export function listenForUpgrades(httpServer: HttpServer, path: string, handler: UpgradeHandler): void {
  const listener: Listener = (request, socket, head) => {
    const asked = pathname(request);
    if (asked === path) return handler(request, socket, head);
    const listeners = httpServer.listeners('upgrade') as Listener[];
    const isTaken = listeners.some((other) => !pathOf.has(other) || pathOf.get(other) === asked);
    if (!isTaken && listeners[0] === listener) refuseUpgrade(socket, 404);
  };
  pathOf.set(listener, path);
  httpServer.on('upgrade', listener);
}

/** Answers an upgrade with an HTTP status, and closes the socket. */
export function refuseUpgrade(socket: Duplex, status: number, headers: readonly string[] = []): void {
  socket.on('error', () => socket.destroy());
  const lines = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'Connection: close',
    'Content-Length: 0',
    ...headers,
  ];
  socket.end(`${lines.join('\r\n')}\r\n\r\n`, () => socket.destroy());
}

/** The path of a request, without its query. */
export const pathname = (request: IncomingMessage): string => (request.url ?? '/').split('?', 1)[0]!;
