// A Node app that imports every public entry of the packed package, and uses each that runs in Node.
import { existsSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SignJWT } from 'jose';
import { connect, ConnectionError, type OneSocket, type SocketMetrics } from 'onesocket';
import type {} from 'onesocket/global';
import manifest from 'onesocket/package.json' with { type: 'json' };
import { createServer, type OnesocketServer, type ServerOptions, type Tracing } from 'onesocket/server';
import { fileBackbone, type Backbone } from 'onesocket/server/file';
import { jwtAuthenticate, type Authenticate } from 'onesocket/server/jwt';
import { serverMetrics, type ServerMetrics } from 'onesocket/server/metrics';
import { openTelemetry } from 'onesocket/server/tracing';
import type { PageEngine } from 'onesocket/worker';

/** What only a browser runs: its types are used here, and its files found. */
type OfBrowsers = readonly [typeof globalThis.onesocket.connect, PageEngine, SocketMetrics];
const open: (url: string) => OneSocket = connect;
const browserFiles = ['onesocket/global', 'onesocket/worker'].map((entry) => import.meta.resolve(entry));

const key = new TextEncoder().encode('a secret of thirty-two characters or more');
const authenticate: Authenticate = await jwtAuthenticate({
  key,
  algorithms: ['HS256'],
  issuer: null,
  audience: null,
});
const token = await new SignJWT({})
  .setProtectedHeader({ alg: 'HS256' })
  .setSubject('ada')
  .setExpirationTime('1h')
  .sign(key);

const backbone: Backbone = await fileBackbone(join(tmpdir(), `onesocket-entries-${process.pid}`));
const tracing: Tracing = openTelemetry();
const options: ServerOptions = { authenticate, backbone, tracing };
const server: OnesocketServer = createServer(options);
const http = createHttpServer();
server.attach(http, { path: '/realtime' });
const metrics: ServerMetrics = serverMetrics(server);
metrics.attach(http);
await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
const { port } = http.address() as AddressInfo;
const exposition = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
const published = await server.publish('news', { title: 'hello' });
const identity = await authenticate({
  token,
  request: { url: '/realtime', headers: {}, remoteAddress: undefined },
});
await server.close();
http.close();
http.closeAllConnections();
await backbone.close();

const result: { readonly [what: string]: unknown } = {
  name: manifest.name,
  browserFiles: browserFiles.every((url) => existsSync(fileURLToPath(url))),
  connect: typeof open,
  error: typeof ConnectionError,
  identity,
  offset: published.offset,
  hasMetrics: exposition.includes('onesocket_connections 0'),
};
console.log(JSON.stringify(result));
export type { OfBrowsers };
