import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import type { AuditEntry, Logger, OnesocketServer } from 'onesocket/server';
import { serverMetrics } from 'onesocket/server/metrics';

const secret = 'the-secret-of-the-operators-of-these-tests';
const paths = ['/metrics', '/admin/connections', '/admin/bans'];

/** All that a server shows to whoever runs it: its log, its metrics, its counters and its admin interface. */
export class Inspection {
  readonly #shown: string[] = [];
  readonly logger: Logger;

  constructor() {
    const keep = (...entry: readonly unknown[]) =>
      void this.#shown.push(inspect(entry, { depth: 8, showHidden: true }));
    this.logger = { debug: keep, info: keep, warn: keep, error: keep };
  }

  /** Everything that was shown so far, and what is shown now to those who ask, as one text. */
  async text(server: OnesocketServer): Promise<string> {
    const admin = server.admin({ secret, audit: (entry: AuditEntry) => void this.#keep(entry) });
    const metrics = serverMetrics(server);
    const answer = (request: IncomingMessage, response: ServerResponse): void => {
      if (request.url === '/metrics') void metrics.handler(request, response);
      else admin(request, response);
    };
    const http = createHttpServer(answer);
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
    const { port } = http.address() as AddressInfo;
    for (const path of paths) {
      const headers = { authorization: `Bearer ${secret}` };
      const response = await fetch(`http://127.0.0.1:${port}${path}`, { headers });
      this.#shown.push(`${path} ${response.status}`, await response.text());
    }
    http.close();
    http.closeAllConnections();
    this.#keep(server.stats());
    this.#keep(server.measures());
    return this.#shown.join('\n');
  }

  #keep(data: object): void {
    this.#shown.push(JSON.stringify(data));
  }
}
