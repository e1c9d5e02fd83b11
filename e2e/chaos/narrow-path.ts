import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import * as chaosLimits from './limits.ts';

/** Up goes to the server. */
type Direction = 'up' | 'down';

/** A stretch of the network path, behind the proxy, that can go dead in one direction, or get narrow. */
export interface NarrowPath extends AsyncDisposable {
  readonly port: number;
  /** Passes on nothing in this direction: neither bytes nor an end. What is held arrives after `heal`. */
  deafen(direction: Direction): void;
  /** Lets half of the bytes per second pass that passed since the last change, in each direction. */
  halve(): void;
  /** Back to normal. */
  heal(): void;
}

const host = '127.0.0.1';

/** How wide the path is, what is wrong with it, and what passed through it. */
class PathState {
  #dead: Direction | null = null;
  #bytesPerSecond: Readonly<Record<Direction, number>> | null = null;
  #heal = (): void => {};
  #healed = this.#untilHealed();
  #passed = { up: 0, down: 0 };
  #since = performance.now();
  /** When what has passed would have passed at the pace of the path. */
  readonly #dueAt = { up: 0, down: 0 };

  /** Settles when so many bytes may pass. */
  async pass(direction: Direction, bytes: number): Promise<void> {
    this.#passed[direction] += bytes;
    const rate = this.#bytesPerSecond?.[direction];
    if (rate) await Promise.race([delay((bytes / rate) * 1_000), this.#healed]);
    const now = performance.now();
    const dueAt = Math.max(now, this.#dueAt[direction]) + (bytes / chaosLimits.bytesPerSecond) * 1_000;
    this.#dueAt[direction] = dueAt;
    if (dueAt - now > chaosLimits.aheadMsMax) await delay(dueAt - now);
    while (this.#dead === direction) await this.#healed;
  }

  deafen(direction: Direction): void {
    this.#dead = direction;
  }

  halve(): void {
    const seconds = Math.max(1, (performance.now() - this.#since) / 1_000);
    const half = (bytes: number): number => Math.max(chaosLimits.bytesPerSecondMin, bytes / seconds / 2);
    this.#bytesPerSecond = { up: half(this.#passed.up), down: half(this.#passed.down) };
  }

  heal(): void {
    this.#dead = null;
    this.#bytesPerSecond = null;
    this.#passed = { up: 0, down: 0 };
    this.#since = performance.now();
    const heal = this.#heal;
    this.#healed = this.#untilHealed();
    heal();
  }

  #untilHealed(): Promise<void> {
    return new Promise((resolve) => (this.#heal = resolve));
  }
}

const pump = async (from: Socket, to: Socket, direction: Direction, state: PathState): Promise<void> => {
  let ended = true;
  try {
    for await (const chunk of from.iterator({ destroyOnReturn: false })) {
      await state.pass(direction, chunk.length);
      await new Promise<void>((resolve) => to.write(chunk, () => resolve()));
      if (to.destroyed) break;
    }
  } catch {
    ended = false;
  }
  await state.pass(direction, 0);
  if (ended) to.end();
  else to.resetAndDestroy();
};

/** Listens, and passes connections on to `targetPort`. */
export const createNarrowPath = async (targetPort: number): Promise<NarrowPath> => {
  const state = new PathState();
  const sockets = new Set<Socket>();
  const keep = (socket: Socket): void => {
    sockets.add(socket);
    // The pump that reads from it hears of the error, too; a socket may still fail after that.
    socket.on('error', () => {}).once('close', () => sockets.delete(socket));
  };
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (near) => {
    const far = connect({ host, port: targetPort, allowHalfOpen: true, noDelay: true });
    keep(near);
    keep(far);
    void pump(near, far, 'up', state);
    void pump(far, near, 'down', state);
  });
  server.listen(0, host);
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    deafen: (direction) => state.deafen(direction),
    halve: () => state.halve(),
    heal: () => state.heal(),
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close');
      server.close();
      state.heal();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
};
