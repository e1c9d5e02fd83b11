/** A hub without a browser: it keeps an outbox, and comes back after every loss, as docs/PROTOCOL.md demands. For tests. */
import { WebSocket } from 'ws';
import { decodeServerFrame } from '../../src/protocol/codec.ts';
import type { ServerEnvelope } from '../../src/protocol/schema.ts';
import { subprotocol } from '../../src/protocol/version.ts';

/** How a plain hub behaves. */
export interface PlainHubOptions {
  /** Where the server is now. */
  readonly port: () => number;
  readonly clientId: string;
  readonly topic: string;
  /** Entries that it has without an acknowledgement while it publishes. */
  readonly load: number;
}

/** Milliseconds before it tries again after a loss without a `goaway`. */
const retryMs = 20;

/** Publishes numbers to a topic and reads that topic. Call `stop` and await `settled`. */
export class PlainHub {
  readonly #options: PlainHubOptions;
  /** What it was told, in order: the publisher and its number. */
  readonly received: { readonly clientId: string; readonly n: number }[] = [];
  /** What must not happen: gaps, offsets out of order, refusals, and closes that a correct hub never gets. */
  readonly faults: string[] = [];
  /** How often it was asked to leave. */
  goaways = 0;
  readonly #outbox = new Map<number, string>();
  #socket: WebSocket | undefined;
  #isOpen = false;
  #isStopped = false;
  #position: { readonly epoch: string; readonly offset: number } | undefined;
  #seq = 0;
  #acked = 0;
  #count = 0;
  #retryAfterMs: number | undefined;
  #ids = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: PlainHubOptions) {
    this.#options = options;
    this.#connect();
  }

  /** The last number that was acknowledged. */
  get acked(): number {
    return this.#acked;
  }

  /** Whether nothing waits for an acknowledgement. */
  get isSettled(): boolean {
    return this.#outbox.size === 0;
  }

  /** Publishes nothing new. */
  stop(): void {
    this.#isStopped = true;
  }

  /** Leaves for good. */
  end(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    this.#socket?.removeAllListeners('close');
    this.#socket?.terminate();
  }

  #connect(): void {
    const { port, clientId } = this.#options;
    const socket = new WebSocket(`ws://127.0.0.1:${port()}/realtime`, subprotocol);
    this.#socket = socket;
    this.#retryAfterMs = undefined;
    socket.on('error', () => undefined);
    socket.on('open', () =>
      this.#send({
        type: 'hello',
        payload: {
          versions: [1],
          features: ['batch'],
          clientId,
          clientEpoch: 1,
          acked: this.#acked,
          window: 1024,
          auth: 'none',
        },
      }),
    );
    socket.on('message', (data: Buffer, isBinary) => {
      const decoded = decodeServerFrame(isBinary ? data : data.toString());
      if ('violation' in decoded) this.faults.push(decoded.violation);
      else for (const envelope of decoded.envelopes) this.#take(envelope);
    });
    socket.on('close', (code) => {
      if (code >= 4000) this.faults.push(`closed ${code}`);
      this.#isOpen = false;
      this.#timer = setTimeout(() => this.#connect(), this.#retryAfterMs ?? retryMs);
    });
  }

  #take(envelope: ServerEnvelope): void {
    switch (envelope.type) {
      case 'welcome':
        return this.#open(envelope.payload.lastSeq);
      case 'ack':
        this.#acknowledge(envelope.seq);
        return this.#publish();
      case 'message':
        return this.#message(envelope);
      case 'gap':
      case 'nack':
      case 'error':
        return void this.faults.push(JSON.stringify(envelope));
      case 'goaway':
        this.goaways++;
        this.#retryAfterMs = envelope.payload.retryAfterMs;
        return this.#leaveWhenDone();
      default:
        return undefined;
    }
  }

  #open(lastSeq: number): void {
    this.#acknowledge(lastSeq);
    this.#count = 0;
    this.#isOpen = true;
    const from = this.#position ? { resume: this.#position } : { replay: Number.MAX_SAFE_INTEGER };
    this.#send({ type: 'subscribe', topic: this.#options.topic, ...from });
    for (const frame of this.#outbox.values()) this.#socket!.send(frame);
    this.#publish();
  }

  #publish(): void {
    const { topic, clientId, load } = this.#options;
    while (this.#isOpen && !this.#isStopped && this.#retryAfterMs === undefined && this.#outbox.size < load) {
      const seq = ++this.#seq;
      const head = { type: 'publish', id: `${clientId}:${seq}`, ts: 1, topic, seq };
      const frame = JSON.stringify({ ...head, payload: { clientId, n: seq } });
      this.#outbox.set(seq, frame);
      this.#socket!.send(frame);
    }
  }

  #acknowledge(seq: number): void {
    this.#acked = Math.max(this.#acked, seq);
    for (const sent of this.#outbox.keys()) if (sent <= seq) this.#outbox.delete(sent);
    if (this.#retryAfterMs !== undefined) this.#leaveWhenDone();
  }

  #message({ epoch, offset, payload }: Extract<ServerEnvelope, { type: 'message' }>): void {
    const position = this.#position;
    if (position && (position.epoch !== epoch || position.offset + 1 !== offset))
      this.faults.push(`${epoch} ${offset} after ${position.epoch} ${position.offset}`);
    this.#position = { epoch, offset };
    this.received.push(payload as { clientId: string; n: number });
    if (++this.#count % 64 === 0) this.#send({ type: 'received', count: this.#count });
  }

  #leaveWhenDone(): void {
    if (this.#outbox.size === 0) this.#socket!.close(1000);
  }

  #send(envelope: object): void {
    this.#socket!.send(JSON.stringify({ id: `p${++this.#ids}`, ts: 1, ...envelope }));
  }
}
