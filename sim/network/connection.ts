import * as closeCodes from '../../src/protocol/close-codes.ts';
import * as protocolLimits from '../../src/protocol/limits.ts';
import type { Transport as ServerTransport } from '../../server/transport.ts';
import type { Transport, TransportEvents } from '../../worker/transport.ts';
import type { Realm } from '../kernel/realm.ts';
import * as simLimits from '../limits.ts';
import { sizeOf, type Pipe } from './pipe.ts';

/** What a server does with a connection: the session's side of it. */
export interface ServerEnd {
  frame(data: string | Uint8Array): void;
  alive(): void;
  drained(): void;
  /** `code` and `reason` are those of the hub's close frame, if there was one. */
  closed(code?: number, reason?: string): void;
}

/** Where the hub's socket begins to wait, and goes on. */
export interface Marks {
  readonly highBytes: number;
  readonly lowBytes: number;
}

const none = new Uint8Array();

/** Hears what a server does with its connections. */
export interface ServerEndObserver {
  /** `bufferedBytes` waited in the socket before. */
  sends(connection: Connection, data: string | Uint8Array, bufferedBytes: number): void;
  hears(connection: Connection, data: string | Uint8Array): void;
  closes(connection: Connection, code: number, reason: string): void;
}

/** One WebSocket from a browser to a server, as both sides see it, and as a fault can break it. */
export class Connection {
  readonly number: number;
  readonly client: Realm;
  readonly server: Realm;
  readonly #events: TransportEvents;
  readonly #up: Pipe;
  readonly #down: Pipe;
  readonly #marks: Marks;
  readonly #observer: ServerEndObserver;
  readonly #passed: (connection: Connection, frame: string | Uint8Array) => void;
  #end: ServerEnd | null = null;
  /** Whether each side still listens, as far as it knows. */
  #hasClient = true;
  #hasServer = true;
  #isCongested = false;

  constructor(
    parts: {
      readonly number: number;
      readonly client: Realm;
      readonly server: Realm;
      readonly up: Pipe;
      readonly down: Pipe;
      readonly marks: Marks;
      readonly observer: ServerEndObserver;
      /** A frame has reached one of the ends. */
      readonly passed: (connection: Connection, frame: string | Uint8Array) => void;
    },
    events: TransportEvents,
  ) {
    const { number, client, server, up, down, marks, observer, passed } = parts;
    this.#observer = observer;
    this.#passed = passed;
    this.number = number;
    this.client = client;
    this.server = server;
    this.#up = up;
    this.#down = down;
    this.#marks = marks;
    this.#events = events;
    client.onDeath(() => this.#clientDied());
    server.onDeath(() => this.#serverDied());
  }

  /** Whether neither side has anything more to do with it. */
  get isOver(): boolean {
    return (!this.#hasClient || this.client.isDead) && (!this.#hasServer || this.server.isDead);
  }

  /** The server takes the connection; the client hears of it a way later. */
  accept(makeEnd: (transport: ServerTransport) => ServerEnd): void {
    this.#end = makeEnd(this.#serverTransport);
    this.#down.push(0, () => this.#toClient(() => this.#events.opened()));
  }

  /** The hub's side. */
  readonly clientTransport: Transport = {
    send: (frame) => {
      if (!this.#hasClient || !this.client.emits()) return;
      this.#note('sends', frame);
      this.#up.push(sizeOf(frame), () =>
        this.#toServer((end) => {
          this.#observer.hears(this, frame);
          this.#passed(this, frame);
          end.frame(frame);
        }),
      );
      this.#watchBuffer();
    },
    close: (code, reason) => {
      if (!this.#hasClient || !this.client.emits()) return;
      this.#note('closes', `${code} ${reason}`);
      this.#hasClient = false;
      this.#up.push(0, () => this.#endServer(code, reason));
    },
  };

  /** The connection is gone. A side that is given no time finds out by itself, or never. */
  sever(clientAfterMs: number | null, serverAfterMs: number | null): void {
    this.client.kernel.timeline.add('network', `cuts ${this.number}`, { clientAfterMs, serverAfterMs });
    this.#up.cut();
    this.#down.cut();
    if (clientAfterMs !== null) this.loseClient(clientAfterMs);
    if (serverAfterMs !== null) this.#later(serverAfterMs, () => this.#endServer());
  }

  /** Nothing arrives until it goes on. */
  stall(): void {
    this.client.kernel.timeline.add('network', `stalls ${this.number}`);
    this.#up.stall();
    this.#down.stall();
  }

  goOn(): void {
    this.#up.goOn();
    this.#down.goOn();
  }

  /** The client learns that there is no connection. */
  loseClient(afterMs: number): void {
    this.#later(afterMs, () => this.#closeClient(closeCodes.abnormal, ''));
  }

  readonly #serverTransport = this.#makeServerTransport();

  #makeServerTransport(): ServerTransport {
    // The operating system takes some at once, and then there is nothing that waits, and nothing to tell of.
    const bufferedBytes = () => Math.max(0, this.#down.bufferedBytes - simLimits.kernelBytes);
    const send = (data: string | Uint8Array) => {
      if (!this.server.emits()) return;
      this.#observer.sends(this, data, bufferedBytes());
      let waits = true;
      this.#down.push(
        sizeOf(data),
        () =>
          this.#toClient(() => {
            this.#events.frame(data);
            this.#passed(this, data);
          }),
        () => waits && this.#toServer((end) => end.drained()),
      );
      waits = bufferedBytes() > 0;
    };
    return {
      get bufferedAmount() {
        return bufferedBytes();
      },
      // A session sends bytes that are text already; a browser hands text to the hub.
      sendText: (data) => send(typeof data === 'string' ? data : data.bytes.toString()),
      sendBinary: (data, more = none) => send(new Uint8Array(Buffer.concat([data, more]))),
      // The browser answers by itself.
      ping: () => {
        if (!this.server.emits()) return;
        const pong = () => this.#up.push(0, () => this.#toServer((end) => end.alive()));
        this.#down.push(0, () => this.#hasClient && !this.client.isDead && pong());
      },
      pause: () => this.#up.hold(),
      resume: () => this.#up.release(),
      close: (code, reason) => this.#closeFromServer(code, reason),
      terminate: () => {
        if (!this.server.emits()) return;
        this.#down.push(0, () => this.#closeClient(closeCodes.abnormal, ''));
        this.#later(0, () => this.#endServer());
      },
    };
  }

  #closeFromServer(code: number, reason: string): void {
    if (!this.server.emits()) return;
    this.#observer.closes(this, code, reason);
    this.client.kernel.timeline.add(this.server.name, `closes ${this.number}`, `${code} ${reason}`);
    this.#up.release();
    const said = reason.slice(0, protocolLimits.closeReasonBytes);
    this.#down.push(0, () => {
      this.#closeClient(code, said);
      this.#up.push(0, () => this.#endServer());
    });
    this.#later(simLimits.closeTimeoutMs, () => this.#endServer());
  }

  /** Runs in the server while it has the connection. */
  #toServer(run: (end: ServerEnd) => void): void {
    this.server.enter(() => {
      if (this.#hasServer && this.#end) run(this.#end);
    });
  }

  #toClient(run: () => void): void {
    this.client.enter(() => {
      if (this.#hasClient) run();
    });
  }

  #endServer(code?: number, reason?: string): void {
    this.#toServer((end) => {
      this.#hasServer = false;
      end.closed(code, reason);
    });
  }

  #closeClient(code: number, reason: string): void {
    this.#toClient(() => {
      this.#hasClient = false;
      this.#note('is lost', `${code} ${reason}`);
      this.#events.closed(code, reason);
    });
  }

  #clientDied(): void {
    if (this.#hasClient) this.#up.push(0, () => this.#endServer());
    this.#hasClient = false;
  }

  /** The kernel of the dead process's machine resets the connection. */
  #serverDied(): void {
    if (!this.#hasServer) return;
    this.#hasServer = false;
    this.#down.push(0, () => this.#closeClient(closeCodes.abnormal, ''));
  }

  #later(delayMs: number, run: () => void): void {
    this.client.kernel.schedule(delayMs, run);
  }

  #watchBuffer(): void {
    const { highBytes, lowBytes } = this.#marks;
    if (this.#isCongested || this.#up.bufferedBytes <= highBytes) return;
    this.#isCongested = true;
    this.#events.congestion(true);
    const look = () => {
      if (!this.#hasClient) return;
      if (this.#up.bufferedBytes > lowBytes) return void this.client.after(simLimits.bufferPollMs, look);
      this.#isCongested = false;
      this.#events.congestion(false);
    };
    this.client.after(simLimits.bufferPollMs, look);
  }

  #note(what: string, detail: string | Uint8Array): void {
    const text = typeof detail === 'string' ? detail : `${detail.length} bytes`;
    this.client.kernel.timeline.add(this.client.name, `${what} ${this.number}`, text);
  }
}
