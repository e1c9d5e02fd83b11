import { connect, type Socket } from 'node:net';
import type { Peer } from './contract.ts';
import { dialects, handshake } from './dialects.ts';

/** Addresses that the crowd comes from: each has fewer ports than are wanted in all. */
const addresses = 20;
/** Enough of what came before to find a mark, or an acknowledgement, that two chunks share. */
const tailLength = 128;

/** Cumulative: the last one counts. */
const acknowledgement = /"type":"ack"[^}]*?"seq":(\d+)[,}]/g;

/** One connection of the crowd. */
export class Member {
  readonly #socket: Socket;
  #tail = '';
  #look: ((text: string) => boolean) | null = null;

  constructor(port: number, index: number) {
    const localAddress = `127.0.1.${1 + (index % addresses)}`;
    this.#socket = connect({ port, host: '127.0.0.1', localAddress, noDelay: true });
    this.#socket.setEncoding('latin1').on('data', (chunk: unknown) => this.#read(String(chunk)));
    this.#socket.on('error', (error) => {
      throw error;
    });
  }

  /** Settles once the server has sent this text, from now on. */
  hear(mark: string): Promise<void> {
    return this.#until((text) => text.includes(mark));
  }

  /** Upgrades the connection and subscribes to the topic of the bench where there are topics. */
  async join(peer: Peer, index: number): Promise<void> {
    const dialect = dialects[peer];
    const upgraded = this.hear(dialect.upgraded);
    this.#socket.write(handshake(dialect));
    await upgraded;
    if (!dialect.join) return;
    const joined = this.hear(dialect.join.joined);
    this.#socket.write(dialect.join.greeting(index));
    await joined;
  }

  /** Publishes so many messages numbered from `first`, with at most `window` not acknowledged. Settles once all are. */
  publish(peer: Peer, first: number, count: number, window: number): Promise<void> {
    const last = first + count - 1;
    let sent = first - 1;
    const fill = (acked: number): void => {
      const room = Math.min(acked + window, last) - sent;
      if (room <= 0) return;
      this.#socket.write(dialects[peer].publish(sent + 1, room));
      sent += room;
    };
    const done = this.#until((text) => {
      let acked = first - 1;
      for (const [, seq] of text.matchAll(acknowledgement)) acked = Number(seq);
      if (acked >= first) fill(acked);
      return acked >= last;
    });
    fill(first - 1);
    return done;
  }

  leave(): void {
    this.#socket.destroy();
  }

  /** Settles once `look` is content with what has come since, of which it sees the end again with what comes next. */
  #until(look: (text: string) => boolean): Promise<void> {
    this.#tail = '';
    return new Promise((resolve) => {
      this.#look = (text) => {
        if (!look(text)) return false;
        this.#look = null;
        resolve();
        return true;
      };
    });
  }

  #read(chunk: string): void {
    if (!this.#look) return;
    const text = this.#tail + chunk;
    this.#tail = text.slice(-tailLength);
    this.#look(text);
  }
}
