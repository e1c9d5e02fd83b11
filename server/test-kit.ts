/** Helpers of the server's tests: a real server on a free port, and a client that speaks the wire by hand. */
import { equal } from 'node:assert/strict';
import { createServer as createHttpServer, type Server as HttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocket } from 'ws';
import { decodeServerFrame, encodeBinary } from '../src/protocol/codec.ts';
import type { ClientMessage, ServerEnvelope, ServerMessage } from '../src/protocol/schema.ts';
import { chunkBytes, chunksUnderWay } from '../src/protocol/limits.ts';
import { subprotocol } from '../src/protocol/version.ts';
import { createServer, type OnesocketServer } from './create-server.ts';
import type { Logger } from './logger.ts';
import type { ServerOptions } from './options.ts';

/** A logger that keeps its lines. */
export interface RecordingLogger extends Logger {
  readonly lines: string[];
}

/** A logger that keeps its lines, errors with their texts, as pino writes them. */
export function recordingLogger(): RecordingLogger {
  const lines: string[] = [];
  const log = (level: string) => (fields: object, message: string) => {
    const text = (_key: string, value: unknown) =>
      value instanceof Error ? `${value.message} ${value.stack}` : value;
    lines.push(`${level} ${message} ${JSON.stringify(fields, text)}`);
  };
  return { lines, debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') };
}

/** A server that listens on a free port of 127.0.0.1. */
export interface RunningServer extends AsyncDisposable {
  readonly server: OnesocketServer;
  readonly httpServer: HttpServer;
  readonly port: number;
  readonly logger: RecordingLogger;
  /** Connects a client. */
  client(options?: ClientOptions): Promise<TestClient>;
}

/** Starts a server. */
export async function startServer(options: ServerOptions = {}): Promise<RunningServer> {
  const logger = recordingLogger();
  const server = createServer({ logger, ...options });
  const httpServer = createHttpServer();
  server.attach(httpServer);
  await new Promise<void>((resolve) => httpServer.listen(0, '127.0.0.1', resolve));
  const { port } = httpServer.address() as AddressInfo;
  const clients: TestClient[] = [];
  return {
    server,
    httpServer,
    port,
    logger,
    client: async (clientOptions) => {
      const client = await TestClient.connect(port, clientOptions);
      clients.push(client);
      return client;
    },
    [Symbol.asyncDispose]: async () => {
      for (const client of clients) client.socket.terminate();
      await server.close({ withinMs: 100 });
      await new Promise((resolve) => {
        httpServer.close(resolve);
        httpServer.closeAllConnections();
      });
    },
  };
}

/** How a client connects. */
export interface ClientOptions {
  readonly protocols?: string[];
  readonly origin?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sends a hello and waits for the welcome. */
  readonly hello?: HelloOptions;
}

/** What a hello says; all have defaults. */
export type HelloOptions = Partial<ClientMessage<'hello'>['payload']> & { readonly token?: string };

/** A closed connection. */
export interface Closed {
  readonly code: number;
  readonly reason: string;
}

/** A client that speaks the wire by hand, and remembers all it got. */
export class TestClient {
  readonly socket: WebSocket;
  readonly envelopes: ServerEnvelope[] = [];
  /** Frames by the number of their envelopes. */
  readonly frames: number[] = [];
  readonly closed: Promise<Closed>;
  #checks = new Set<() => void>();
  #ids = 0;

  static async connect(port: number, options: ClientOptions = {}): Promise<TestClient> {
    const { protocols = [subprotocol], origin, headers = {}, path = '/realtime', hello } = options;
    const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, protocols, {
      headers,
      ...(origin && { origin }),
    });
    const client = new TestClient(socket);
    await new Promise<void>((resolve, reject) => {
      socket.on('open', resolve);
      socket.on('error', reject);
    });
    if (hello) await client.hello(hello);
    return client;
  }

  constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on('message', (data: Buffer, isBinary) => {
      const decoded = decodeServerFrame(isBinary ? data : data.toString());
      if ('violation' in decoded) throw new Error(`the server sent: ${decoded.violation}`);
      this.frames.push(decoded.envelopes.length);
      this.envelopes.push(...decoded.envelopes);
      for (const check of this.#checks) check();
    });
    this.closed = new Promise((resolve) =>
      socket.on('close', (code, reason) => {
        resolve({ code, reason: reason.toString() });
        for (const check of this.#checks) check();
      }),
    );
  }

  /** An id that this client has not used. */
  id(): string {
    return `c${++this.#ids}`;
  }

  /** Sends envelopes in one frame, with ids and times where they have none. Returns the id of the first. */
  send(...envelopes: { readonly type: string; readonly [field: string]: unknown }[]): string {
    const stamped = envelopes.map((envelope) => ({ id: this.id(), ts: 1, ...envelope }));
    this.socket.send(JSON.stringify(stamped.length === 1 ? stamped[0] : stamped));
    return stamped[0]!.id;
  }

  /** Sends an envelope with bytes. Returns its id. */
  sendBytes(head: object, bytes: Uint8Array): string {
    const id = this.id();
    this.socket.send(encodeBinary({ id, ts: 1, ...head }, bytes));
    return id;
  }

  /** Sends a hello, and a token where there is one, without waiting. */
  sendHello({ token, ...payload }: HelloOptions = {}): void {
    const hello = {
      type: 'hello',
      payload: { ...helloDefaults, auth: token ? 'token' : 'none', ...payload },
    };
    if (token === undefined) this.send(hello);
    else this.send(hello, { type: 'auth', payload: { token } });
  }

  /** Sends a hello and waits for the welcome. */
  async hello(options: HelloOptions = {}): Promise<ServerMessage<'welcome'>> {
    this.sendHello(options);
    return this.one('welcome');
  }

  /** All envelopes of a type so far. */
  all<T extends ServerEnvelope['type']>(type: T): ServerMessage<T>[] {
    return this.envelopes.filter((envelope) => envelope.type === type) as ServerMessage<T>[];
  }

  /** The envelope number `index` of a type, once it has come. */
  async one<T extends ServerEnvelope['type']>(type: T, index = 0): Promise<ServerMessage<T>> {
    await this.until(() => this.all(type).length > index);
    return this.all(type)[index]!;
  }

  /** The first `count` envelopes of a type, once they have come. */
  async some<T extends ServerEnvelope['type']>(type: T, count: number): Promise<ServerMessage<T>[]> {
    await this.until(() => this.all(type).length >= count);
    return this.all(type).slice(0, count);
  }

  /** Waits for something in what was received; fails when the connection closes before. */
  async until(isTrue: () => boolean): Promise<void> {
    if (isTrue()) return;
    await new Promise<void>((resolve, reject) => {
      const check = () => {
        if (isTrue()) resolve();
        else if (this.socket.readyState === WebSocket.CLOSED) reject(new Error('the connection has closed'));
        else return;
        this.#checks.delete(check);
      };
      this.#checks.add(check);
    });
  }

  /** Everything that the server answers to what was sent until now has come when this resolves. */
  async roundTrip(): Promise<void> {
    const id = this.send({ type: 'ping' });
    await this.until(() => this.all('pong').some((pong) => pong.re === id));
  }

  /** Subscribes and waits for the answer. */
  async subscribe(topic: string, more: object = {}): Promise<ServerMessage<'subscribed'>> {
    const id = this.send({ type: 'subscribe', topic, ...more });
    await this.until(() => this.all('subscribed').some(({ re }) => re === id));
    return this.all('subscribed').find(({ re }) => re === id)!;
  }

  /** Publishes `count` messages, numbered as their sequences, and waits until the last is acknowledged. */
  async publish(topic: string, firstSeq: number, count = 1): Promise<void> {
    const seqs = Array.from({ length: count }, (_, index) => firstSeq + index);
    this.send(...seqs.map((seq) => ({ type: 'publish', topic, seq, payload: seq })));
    await this.until(() => this.all('ack').some(({ seq }) => seq >= firstSeq + count - 1));
  }

  /** Offers a transfer and waits for the answer: the bytes that the server has. */
  async offer(topic: string, transfer: string, size: number): Promise<number> {
    const before = this.all('chunk-ack').length;
    this.send({ type: 'offer', topic, transfer, size });
    return (await this.one('chunk-ack', before)).received;
  }

  /** Offers bytes, and sends them in chunks as the server acknowledges, until it has `until` of them. */
  async upload(topic: string, transfer: string, bytes: Uint8Array, until = bytes.byteLength): Promise<void> {
    let sent = await this.offer(topic, transfer, bytes.byteLength);
    let acknowledged = sent;
    while (acknowledged < until) {
      while (sent < until && sent - acknowledged < chunksUnderWay * chunkBytes) {
        this.sendBytes({ type: 'chunk', transfer, at: sent }, bytes.subarray(sent, sent + chunkBytes));
        sent = Math.min(sent + chunkBytes, bytes.byteLength);
      }
      const before = acknowledged;
      const last = () => this.all('chunk-ack').findLast((ack) => ack.transfer === transfer)!.received;
      await this.until(() => last() > before);
      acknowledged = last();
    }
  }

  /** Publishes what was uploaded, and waits for the answer. Returns the refusal, where it is one. */
  async publishTransfer(
    topic: string,
    seq: number,
    transfer: object,
  ): Promise<ServerMessage<'nack'> | undefined> {
    this.send({ type: 'publish', topic, seq, payload: null, transfer });
    await this.until(() => this.all('ack').some((ack) => ack.seq >= seq));
    return this.all('nack').find((nack) => nack.seq === seq);
  }

  /** Acknowledges every chunk as it comes. */
  acknowledgeChunks(): void {
    let taken = 0;
    this.#checks.add(() => {
      const chunks = this.all('chunk');
      for (const chunk of chunks.slice(taken)) {
        const received = chunk.at + (chunk.payload as Uint8Array).byteLength;
        this.send({ type: 'chunk-ack', transfer: chunk.transfer, received });
      }
      taken = chunks.length;
    });
  }

  /** The content of a large message, once all its chunks have come. They have come without a hole. */
  async content(message: ServerMessage<'message'>): Promise<Buffer> {
    const { id, size, at } = message.transfer!;
    const chunks = () => this.all('chunk').filter(({ transfer }) => transfer === id);
    const end = () => chunks().reduce((sum, { payload }) => sum + (payload as Uint8Array).byteLength, at);
    await this.until(() => end() >= size);
    let next = at;
    for (const chunk of chunks()) {
      equal(chunk.at, next);
      next += (chunk.payload as Uint8Array).byteLength;
    }
    return Buffer.concat(chunks().map(({ payload }) => payload as Uint8Array));
  }
}

/** Bytes that say where they are. */
export const bytesOf = (size: number): Uint8Array<ArrayBuffer> =>
  new Uint8Array(
    Uint32Array.from({ length: Math.ceil(size / 4) }, (_, index) => index * 2_654_435_761).buffer,
    0,
    size,
  );

/** The features of a client that takes large payloads in chunks. */
export const withChunks = { features: ['batch', 'chunks'] } as const;

const helloDefaults = {
  versions: [1],
  features: ['batch'],
  clientId: 'client',
  clientEpoch: 1,
  acked: 0,
  window: 1024,
};
