import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { createServer } from 'onesocket/server';
import { fileBackbone } from 'onesocket/server/file';
import { serveParent } from '../demo/backend/parent-channel.ts';
import type { StormServerCommand, StormServerUse } from './contract.ts';

// A server as an app would run it for so many clients: what it has acknowledged survives its death.

const stalls = monitorEventLoopDelay();

async function listen(port: number): Promise<number> {
  const http = createHttpServer();
  const backbone = await fileBackbone(process.argv[2]!);
  // Those who come back while the former connections are not all noticed to be gone must find room. All else is as usual.
  createServer({ backbone, limits: { connections: 20_000 } }).attach(http, { path: '/realtime' });
  http.listen({ port, host: '127.0.0.1', backlog: 4096 });
  await once(http, 'listening');
  stalls.enable();
  return (http.address() as AddressInfo).port;
}

function use(): StormServerUse {
  const { user, system } = process.cpuUsage();
  return { cpuMs: (user + system) / 1000, stallMs: stalls.max / 1e6 };
}

// Listens when it is told to: the one that takes over is loaded before, or the outage would be as long as the machine likes.
serveParent(0, (asked) => {
  const command = asked as StormServerCommand;
  return command.kind === 'listen' ? listen(command.port) : use();
});
