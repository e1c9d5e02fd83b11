import { createServer, connect, type AddressInfo, type Socket } from 'node:net';
import { linkSockets, type SocketLink } from './socket-link.ts';

/** What a {@link TcpProxy} does with bytes: pass them on, refuse every connection, or hold connections and pass on nothing. */
type TcpProxyMode = 'open' | 'cut' | 'stalled';

/** Options of {@link createTcpProxy}. */
export interface TcpProxyOptions {
  /** Port on 127.0.0.1 that new connections are passed on to. */
  readonly targetPort: number;
  /** Port on 127.0.0.1 to listen on. Default 0: any free one. */
  readonly port?: number;
}

/** A network path between two real sockets that a test or a visitor can break. */
export interface TcpProxy extends AsyncDisposable {
  /** Where it listens. */
  readonly port: number;
  readonly mode: TcpProxyMode;
  /** Client connections held at this moment. */
  readonly connections: number;
  /** Client connections taken since the start, those that were reset at once not included. */
  readonly accepted: number;
  /** Resets every connection, and each new one as soon as it comes. */
  cut(): void;
  /** Half-open: connections stay, and new ones are accepted, but no byte, end or reset passes in either direction. */
  stall(): void;
  /** Back to normal. What was held during a stall arrives now, as after a route came back. */
  heal(): void;
  /** Passes connections from now on to another port; those under way stay where they are. */
  setTarget(port: number): void;
  /** Resets every connection and frees the port. */
  close(): Promise<void>;
}

const host = '127.0.0.1';

/**
 * Listens on 127.0.0.1 and passes connections on to `targetPort`. Rejects if the port is taken.
 *
 * @example
 * const proxy = await createTcpProxy({ targetPort: server.port });
 * connect(`ws://127.0.0.1:${proxy.port}/realtime`);
 * proxy.cut();
 */
export const createTcpProxy = async (options: TcpProxyOptions): Promise<TcpProxy> => {
  let mode: TcpProxyMode = 'open';
  let targetPort = options.targetPort;
  let accepted = 0;
  const links = new Set<SocketLink>();

  const resetAll = (): void => {
    for (const link of links) link.reset();
  };

  const accept = (client: Socket): void => {
    if (mode === 'cut') {
      // A reset on its way out may still fail in the kernel, and an 'error' without a listener ends the process.
      client.on('error', () => client.destroy());
      client.resetAndDestroy();
      return;
    }
    accepted += 1;
    const link = linkSockets({
      near: client,
      open: () => connect({ host, port: targetPort, allowHalfOpen: true, noDelay: true }),
      onClosed: () => links.delete(link),
    });
    links.add(link);
    if (mode === 'open') link.flow();
  };

  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true }, accept);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port: options.port ?? 0 }, resolve);
  });
  const { port } = server.address() as AddressInfo;

  const close = async (): Promise<void> => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    resetAll();
    await closed;
  };

  return {
    port,
    get mode() {
      return mode;
    },
    get connections() {
      return links.size;
    },
    get accepted() {
      return accepted;
    },
    cut() {
      mode = 'cut';
      resetAll();
    },
    stall() {
      mode = 'stalled';
      for (const link of links) link.hold();
    },
    heal() {
      mode = 'open';
      for (const link of links) link.flow();
    },
    setTarget(next) {
      targetPort = next;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
};
