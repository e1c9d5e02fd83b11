import type { IncomingMessage, Server as HttpServer, ServerResponse } from 'node:http';
import { pathname } from './upgrade.ts';

const healthPath = '/healthz';

/** What the health check answers. */
export interface Health {
  readonly status: 'ok' | 'closing';
  readonly connections: number;
}

/**
 * Answers `GET /healthz` of an HTTP server: 200, or 503 while closing.
 *
 * It stands in front of `emit`, for an app's request listener that also saw the request would answer it a
 * second time, and that throws. All other requests reach the app's listeners, whenever they were added.
 */
export function serveHealth(httpServer: HttpServer, health: () => Health): void {
  const emit = httpServer.emit;
  httpServer.emit = function intercepted(
    this: HttpServer,
    event: string | symbol,
    ...args: unknown[]
  ): boolean {
    if (event !== 'request') return Reflect.apply(emit, this, [event, ...args]) as boolean;
    const [request, response] = args as [IncomingMessage, ServerResponse];
    const isHealth =
      pathname(request) === healthPath && (request.method === 'GET' || request.method === 'HEAD');
    if (isHealth) return answer(response, health());
    if (this.listenerCount('request') > 0) return Reflect.apply(emit, this, [event, ...args]) as boolean;
    response.writeHead(404).end();
    return true;
  } as typeof httpServer.emit;
}

function answer(response: ServerResponse, health: Health): true {
  const status = health.status === 'ok' ? 200 : 503;
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  response.end(JSON.stringify(health));
  return true;
}
