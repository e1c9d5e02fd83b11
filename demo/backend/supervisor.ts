import { fileURLToPath } from 'node:url';
import type { ControlAction, ControlState, ServerCounts } from '../contract.ts';
import { startServerProcess, type ServerProcess } from './server-process.ts';
import { createTcpProxy, type TcpProxy } from './tcp-proxy.ts';

/** The server process, the network path to it, and what a visitor can do to both. */
export interface Supervisor {
  /** Port of the path to the server. */
  readonly port: number;
  state(): Promise<ControlState>;
  control(action: ControlAction): Promise<void>;
  /** Ends the server process, a frozen one too. */
  close(): Promise<void>;
}

/** How long the server may take to say its counts before it counts as hung. */
const countsTimeoutMs = 500;
/** How long the server may take to say goodbye to its clients. */
const closeTimeoutMs = 2_000;

/** Starts the demo's server with a TCP proxy before it. */
export const startSupervisor = async (): Promise<Supervisor> => {
  const server = await startServerProcess({ entry: fileURLToPath(new URL('server.ts', import.meta.url)) });
  const proxy = await createTcpProxy({ targetPort: server.port });
  const run = actions(server, proxy);
  // Two visitors' clicks must not restart the server at the same time.
  let last = Promise.resolve();
  return {
    port: proxy.port,
    state: async () => ({
      pid: server.pid,
      running: server.running,
      frozen: server.frozen,
      cut: proxy.mode === 'cut',
      counts: await countsOf(server),
    }),
    control(action) {
      const done = last.then(run[action]);
      last = done.catch(() => {});
      return done;
    },
    async close() {
      const force = setTimeout(() => void server.kill(), closeTimeoutMs);
      await server.kill('SIGTERM');
      clearTimeout(force);
      await proxy.close();
    },
  };
};

const actions = (
  server: ServerProcess,
  proxy: TcpProxy,
): Record<ControlAction, () => void | Promise<void>> => ({
  cut: () => proxy.cut(),
  heal: () => proxy.heal(),
  freeze: () => server.stop(),
  thaw: () => server.cont(),
  restart: () => server.restart(),
});

const countsOf = async (server: ServerProcess): Promise<ServerCounts | null> => {
  if (!server.running || server.frozen) return null;
  try {
    return (await server.request('counts', countsTimeoutMs)) as ServerCounts;
  } catch {
    return null;
  }
};
