import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** A TCP proxy that lets little through at one time. For tests of what waits behind a slow network. */
export interface SlowProxy extends AsyncDisposable {
  readonly port: number;
}

/** Bytes that go on in one turn of the event loop. */
const bytesPerTurn = 8192;

/** Starts a proxy to a port of 127.0.0.1. */
export async function slowProxy(targetPort: number): Promise<SlowProxy> {
  const sockets = new Set<Socket>();
  const proxy = createServer((near) => {
    const far = connect(targetPort, '127.0.0.1');
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => {
        near.destroy();
        far.destroy();
      });
    }
    trickle(near, far);
    trickle(far, near);
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  return {
    port: (proxy.address() as AddressInfo).port,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => proxy.close(resolve));
    },
  };
}

/** Reads on only when what was read has gone, a little in each turn, so that the sender is held back by TCP. */
function trickle(from: Socket, to: Socket): void {
  from.on('data', (data: Buffer) => {
    from.pause();
    let at = 0;
    const next = () => {
      if (to.destroyed) return;
      to.write(data.subarray(at, at + bytesPerTurn), () => {
        at += bytesPerTurn;
        if (at < data.byteLength) setImmediate(next);
        else from.resume();
      });
    };
    next();
  });
}
