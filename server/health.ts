import type { IncomingMessage, Server as HttpServer, ServerResponse } from 'node:http';
import type { Doors } from './gate/gatekeeper.ts';
import { pathname } from './upgrade.ts';

const healthPath = '/healthz';
const livenessPath = '/livez';

/** What the health check answers. */
export interface Health {
  readonly status: 'ok' | Exclude<Doors, 'open'>;
  readonly connections: number;
}

/**
 * Answers `GET /healthz` of an HTTP server, which says whether to send clients here: 200, or 503 while draining or
 * closing. And `GET /livez`, which says whether the process works, and so should not be killed: 200.
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
    const path = request.method === 'GET' || request.method === 'HEAD' ? pathname(request) : undefined;
    if (path === healthPath) return answer(response, health(), health().status === 'ok' ? 200 : 503);
    if (path === livenessPath) return answer(response, health(), 200);
    if (this.listenerCount('request') > 0) return Reflect.apply(emit, this, [event, ...args]) as boolean;
    response.writeHead(404).end();
    return true;
  } as typeof httpServer.emit;
}

function answer(response: ServerResponse, health: Health, status: 200 | 503): true {
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  response.end(JSON.stringify(health));
  return true;
}
