import { once } from 'node:events';
import { connect } from 'node:net';
import { WebSocket } from 'ws';
import { subprotocol } from '../../src/protocol/version.ts';
import { startServer, type RunningServer, type TestClient } from '../test-kit.ts';
import type { Frame } from './frame-source.ts';
import { helloFrame } from './frames.ts';
import type { Random } from './random.ts';

/** Connections that are attacked at one time. */
const victims = 4;

/** Milliseconds that anything may take here before it counts as hanging. */
const patienceMs = 20_000;

const controlTopic = 'control: untouched';

const upgradeRequest =
  'GET /realtime HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n' +
  `Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: ${subprotocol}\r\n\r\n`;

/** A real server on a real port, attacked over real sockets, and a client that must not notice anything. */
export class SocketWorld {
  readonly #running: RunningServer;
  readonly #control: TestClient;
  readonly #random: Random;
  readonly #victims: (WebSocket | undefined)[] = [];
  #published = 0;
  #epoch = 1;

  private constructor(running: RunningServer, control: TestClient, random: Random) {
    this.#running = running;
    this.#control = control;
    this.#random = random;
  }

  static async start(random: Random): Promise<SocketWorld> {
    const limits = {
      strikes: 1e9,
      upgradeBurst: 1e9,
      upgradesPerMinute: 1e9,
      topics: 100,
      clients: 100,
      historyMessages: 50,
    };
    const requests = { echo: (input: unknown) => input, later: async (input: unknown) => input };
    const running = await startServer({ limits, requests, compression: {} });
    const control = await running.client({ hello: { clientId: 'control' } });
    await control.subscribe(controlTopic);
    return new SocketWorld(running, control, random);
  }

  /** Sends one frame over one of the connections, or its bytes over a bare one. */
  async attack(frame: Frame): Promise<void> {
    if (this.#random.chance(0.05)) return this.#attackFraming(frame);
    const index = this.#random.below(victims);
    const socket = await this.#victim(index);
    // A frame that meets the close of the one before it is lost, as it would be for any client.
    await new Promise<void>((resolve) => socket.send(frame, () => resolve()));
  }

  /** Throws unless the control client gets what it should. */
  async check(): Promise<void> {
    const n = ++this.#published;
    await this.#control.publish(controlTopic, n);
    const { payload, offset } = await this.#control.one('message', n - 1);
    if (payload !== n || offset !== n)
      throw new Error(`control: ${JSON.stringify(payload)} at ${offset} for ${n}`);
    this.#control.send({ type: 'received', count: n });
    const errors = this.#running.logger.lines.filter((line) => line.startsWith('error'));
    if (errors.length > 0) throw new Error(`logged: ${errors.join('; ')}`);
    this.#running.logger.lines.length = 0;
  }

  /** Ends all connections, and throws if anything is left of them. */
  async end(): Promise<void> {
    for (const socket of this.#victims) socket?.terminate();
    const { server } = this.#running;
    await until('connections to be gone', () => server.stats().connections === 1);
    const { subscriptions, topics } = server.stats();
    if (subscriptions !== 1 || topics !== 1)
      throw new Error(`${subscriptions} subscriptions, ${topics} topics left`);
    await this.#running[Symbol.asyncDispose]();
    const left = server.stats();
    if (left.connections + left.subscriptions + left.topics !== 0) throw new Error(JSON.stringify(left));
  }

  async #victim(index: number): Promise<WebSocket> {
    const old = this.#victims[index];
    if (old?.readyState === WebSocket.OPEN) return old;
    old?.terminate();
    const socket = new WebSocket(`ws://127.0.0.1:${this.#running.port}/realtime`, subprotocol);
    this.#victims[index] = socket;
    socket.on('error', () => undefined);
    socket.resume();
    await once(socket, 'open', { signal: AbortSignal.timeout(patienceMs) });
    if (this.#random.chance(0.9)) socket.send(helloFrame(`c${index}`, ++this.#epoch));
    return socket;
  }

  /** Bytes where the framing of WebSocket, or even HTTP, should be. */
  async #attackFraming(frame: Frame): Promise<void> {
    const socket = connect(this.#running.port, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.resume();
    await once(socket, 'connect', { signal: AbortSignal.timeout(patienceMs) });
    if (this.#random.chance(0.8)) {
      socket.write(upgradeRequest);
      await Promise.race([once(socket, 'data'), once(socket, 'close')]);
    }
    await new Promise<void>((resolve) => socket.write(Buffer.from(frame as string), () => resolve()));
    socket.destroy();
  }
}

async function until(what: string, isTrue: () => boolean): Promise<void> {
  const end = performance.now() + patienceMs;
  while (!isTrue()) {
    if (performance.now() > end) throw new Error(`waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
