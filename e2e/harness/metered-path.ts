import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** Up goes to the server. */
type Direction = 'up' | 'down';

/** A slow stretch of the network path, behind the proxy, that counts what passes. */
export interface MeteredPath extends AsyncDisposable {
  readonly port: number;
  /** Bytes that have passed, over all connections. */
  readonly passed: Readonly<Record<Direction, number>>;
  /** Settles once so many bytes have passed in this direction. */
  until(direction: Direction, bytes: number): Promise<void>;
}

const host = '127.0.0.1';
/** Bytes that pass in one direction of a connection at a time, and how long they take: some 7 MB in a second. */
const bytesAtOnce = 8_192;
const msAtOnce = 1;

/** Listens, and passes connections on to `targetPort`. */
export const createMeteredPath = async (targetPort: number): Promise<MeteredPath> => {
  const passed = { up: 0, down: 0 };
  const waiting = new Set<() => void>();
  const sockets = new Set<Socket>();

  const pump = async (from: Socket, to: Socket, direction: Direction): Promise<void> => {
    for await (const data of from.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      for (let at = 0; at < data.byteLength && !to.destroyed; at += bytesAtOnce) {
        const part = data.subarray(at, at + bytesAtOnce);
        await Promise.all([delay(msAtOnce), new Promise((resolve) => to.write(part, resolve))]);
        passed[direction] += part.byteLength;
        for (const check of waiting) check();
      }
    }
    to.end();
  };

  const server = createServer({ allowHalfOpen: true, noDelay: true }, (near) => {
    const far = connect({ host, port: targetPort, allowHalfOpen: true, noDelay: true });
    const end = () => void [near, far].map((socket) => socket.destroy());
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', end).once('close', () => sockets.delete(socket));
    }
    void pump(near, far, 'up').catch(end);
    void pump(far, near, 'down').catch(end);
  });
  server.listen(0, host);
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    passed,
    until: (direction, bytes) =>
      new Promise((resolve) => {
        const check = () => {
          if (passed[direction] < bytes) return;
          waiting.delete(check);
          resolve();
        };
        waiting.add(check);
        check();
      }),
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
};
