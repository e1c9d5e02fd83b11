import { createServer as createHttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { createServer } from 'onesocket/server';
import { fileBackbone } from 'onesocket/server/file';
import { serveParent } from '../demo/backend/parent-channel.ts';
import type { StormServer } from './contract.ts';

// A server as an app would run it for so many clients: what it has acknowledged survives its death.

const stalls = monitorEventLoopDelay();
stalls.enable();

const http = createHttpServer();
const backbone = await fileBackbone(process.argv[2]!);
// Those who come back while the former connections are not all noticed to be gone must find room. All else is as usual.
const server = createServer({ backbone, limits: { connections: 20_000 } });
server.attach(http, { path: '/realtime' });
http.listen({ port: Number(process.env.PORT), host: '127.0.0.1', backlog: 4096 }, () =>
  serveParent((http.address() as AddressInfo).port, (): StormServer => {
    const { user, system } = process.cpuUsage();
    return { cpuMs: (user + system) / 1000, stallMs: stalls.max / 1e6 };
  }),
);
