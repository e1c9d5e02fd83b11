import * as closeCodes from '../../src/protocol/close-codes.ts';
import type { Transport as ServerTransport } from '../../server/transport.ts';
import type { Dial, TransportEvents } from '../../worker/transport.ts';
import type { Kernel } from '../kernel/kernel.ts';
import type { Random } from '../kernel/random.ts';
import type { Realm } from '../kernel/realm.ts';
import * as simLimits from '../limits.ts';
import { Connection, type Marks, type ServerEnd, type ServerEndObserver } from './connection.ts';
import { Pipe, type LinkQuality } from './pipe.ts';

/** A process that takes connections. */
export interface Listener {
  readonly realm: Realm;
  accept(transport: ServerTransport): ServerEnd;
}

/** What happens to an attempt: `lost` is no answer at all. */
export type DialFate = 'accepted' | 'refused' | 'lost';

/** Hears of every dial, for whoever checks how often there are any. */
export interface NetworkObserver extends ServerEndObserver {
  dialled(client: Realm): void;
  /** The hub's side of a connection was lost, or given up by the hub itself. */
  ended(client: Realm): void;
  /** A frame reaches the hub. */
  received(client: Realm, data: string | Uint8Array): void;
  /** A frame leaves the hub. */
  sent(client: Realm, data: string | Uint8Array): void;
}

/** The network between browsers and servers. */
export class Network {
  readonly #kernel: Kernel;
  readonly #random: Random;
  readonly #marks: Marks;
  readonly #observer: NetworkObserver;
  readonly #connections = new Set<Connection>();
  #count = 0;
  /** Who listens now; null while the server is down. */
  listener: Listener | null = null;
  /** How the next connection carries bytes. */
  quality: LinkQuality;
  /** What happens to the next dial. */
  fate: () => DialFate = () => 'accepted';
  /** A frame has reached one of the ends. */
  passed: (connection: Connection, frame: string | Uint8Array) => void = () => {};

  constructor(kernel: Kernel, random: Random, quality: LinkQuality, marks: Marks, observer: NetworkObserver) {
    this.#kernel = kernel;
    this.#random = random;
    this.quality = quality;
    this.#marks = marks;
    this.#observer = observer;
  }

  /** Connections that somebody still takes for alive. */
  get connections(): readonly Connection[] {
    for (const connection of this.#connections) if (connection.isOver) this.#connections.delete(connection);
    return [...this.#connections];
  }

  /** The way out of one browser process. */
  dialOf(client: Realm): Dial {
    return (_url, events) => {
      const number = (this.#count += 1);
      this.#kernel.timeline.add(client.name, `dials ${number}`);
      if (!client.emits()) return { send() {}, close() {} };
      this.#observer.dialled(client);
      let opened: Connection | null = null;
      let isClosed = false;
      const end = (code: number) => {
        if (isClosed) return;
        isClosed = true;
        this.#observer.ended(client);
        events.closed(code, '');
      };
      const { delayMs, jitterMs } = this.quality;
      const wayMs = () => delayMs + this.#random.next() * jitterMs;
      this.#kernel.schedule(2 * wayMs(), () => {
        const fate = this.fate();
        const { listener } = this;
        if (isClosed || client.isDead) return;
        if (fate === 'lost')
          return void client.after(simLimits.connectTimeoutMs, () => end(closeCodes.abnormal));
        if (fate === 'refused' || !listener || listener.realm.isDead) {
          return void client.after(wayMs(), () => end(closeCodes.abnormal));
        }
        listener.realm.enter(() => {
          if (isClosed || client.isDead) return;
          opened = this.#open(number, client, listener, {
            ...events,
            frame: (data) => {
              this.#observer.received(client, data);
              events.frame(data);
            },
            closed: (code, reason) => {
              isClosed = true;
              this.#observer.ended(client);
              events.closed(code, reason);
            },
          });
        });
      });
      return {
        send: (frame) => {
          if (opened && !isClosed) this.#observer.sent(client, frame);
          opened?.clientTransport.send(frame);
        },
        close: (code, reason) => {
          if (isClosed) return;
          isClosed = true;
          this.#observer.ended(client);
          opened?.clientTransport.close(code, reason);
        },
      };
    };
  }

  #open(number: number, client: Realm, listener: Listener, events: TransportEvents): Connection {
    const pipe = (name: string) =>
      new Pipe(this.#kernel, this.#random.fork(`${number}${name}`), this.quality);
    const { realm: server } = listener;
    const parts = { number, client, server, up: pipe('up'), down: pipe('down') };
    const passed: Network['passed'] = (...frame) => this.passed(...frame);
    const connection = new Connection(
      { ...parts, marks: this.#marks, observer: this.#observer, passed },
      events,
    );
    this.#connections.add(connection);
    connection.accept((transport) => listener.accept(transport));
    return connection;
  }
}
