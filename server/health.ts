import type { Server as HttpServer, ServerResponse } from 'node:http';
import type { Doors } from './gate/gatekeeper.ts';
import { interceptPath } from './intercept-path.ts';

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
 */
export function serveHealth(httpServer: HttpServer, health: () => Health): void {
  interceptPath(httpServer, healthPath, (_request, response) => {
    const now = health();
    return answer(response, now, now.status === 'ok' ? 200 : 503);
  });
  interceptPath(httpServer, livenessPath, (_request, response) => answer(response, health(), 200));
}

function answer(response: ServerResponse, health: Health, status: 200 | 503): true {
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  response.end(JSON.stringify(health));
  return true;
}
