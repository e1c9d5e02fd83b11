import type { Server as HttpServer } from 'node:http';
import { interceptPath } from './intercept-path.ts';
import type { Logger } from './logger.ts';

/**
 * Answers a WebSocket handshake whose `Upgrade` header a proxy has kept for itself with 426 (RFC 9110 15.5.22), and tells
 * the log once. Any other request for the path is the app's.
 */
export function answerLostUpgrades(httpServer: HttpServer, path: string, logger: Logger): void {
  let isTold = false;
  interceptPath(httpServer, path, ({ headers }, response) => {
    if (headers['sec-websocket-key'] === undefined) return false;
    if (!isTold) {
      const advice =
        'an upgrade came without its Upgrade header: the proxy in front has to pass Upgrade and Connection on';
      logger.warn({ path, via: headers.via }, advice);
    }
    isTold = true;
    response.writeHead(426, { upgrade: 'websocket', connection: 'upgrade' }).end();
    return true;
  });
}
