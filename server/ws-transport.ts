import type { WebSocket } from 'ws';
import * as protocolLimits from '../src/protocol/limits.ts';
import type { Clock } from './clock.ts';
import { Alarm } from './alarm.ts';
import type { Transport } from './transport.ts';

/** What a WebSocket tells its session. */
export interface TransportListener {
  frame(data: string | Uint8Array): void;
  alive(): void;
  drained(): void;
  closed(): void;
}

/** A WebSocket of `ws` as a transport. */
export class WsTransport implements Transport {
  readonly #socket: WebSocket;
  readonly #clock: Clock;
  readonly #closeTimeoutMs: number;
  readonly #deadline: Alarm;
  #listener: TransportListener | undefined;

  constructor(socket: WebSocket, clock: Clock, closeTimeoutMs: number) {
    this.#socket = socket;
    this.#clock = clock;
    this.#closeTimeoutMs = closeTimeoutMs;
    this.#deadline = new Alarm(clock, () => socket.terminate());
  }

  /** Connects the socket's events with a session. Call once. */
  listen(listener: TransportListener): void {
    this.#listener = listener;
    const socket = this.#socket;
    socket.on('message', (data, isBinary) => {
      const bytes = data as Buffer;
      listener.frame(isBinary ? bytes : bytes.toString());
    });
    socket.on('ping', () => listener.alive());
    socket.on('pong', () => listener.alive());
    // `ws` has closed with the right code by itself (1002, 1007, 1009): 'close' follows.
    socket.on('error', () => this.#deadline.set(this.#clock.now() + this.#closeTimeoutMs));
    socket.on('close', () => {
      this.#deadline.clear();
      this.#listener = undefined;
      listener.closed();
    });
  }

  get bufferedAmount(): number {
    return this.#socket.bufferedAmount;
  }

  sendText(data: string | Uint8Array): void {
    this.#socket.send(data, textFrame, this.#sent);
  }

  sendBinary(data: Uint8Array, more?: Uint8Array): void {
    if (!more) return this.#socket.send(data, binaryFrame, this.#sent);
    // Two fragments of one message (RFC 6455, section 5.4).
    this.#socket.send(data, firstFragment);
    this.#socket.send(more, binaryFrame, this.#sent);
  }

  ping(): void {
    if (this.#socket.readyState === this.#socket.OPEN) this.#socket.ping();
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  close(code: number, reason: string): void {
    // A paused socket would not see the peer's answer.
    this.#socket.resume();
    this.#socket.close(code, closeReason(reason));
    this.#deadline.set(this.#clock.now() + this.#closeTimeoutMs);
  }

  terminate(): void {
    this.#socket.terminate();
  }

  /** Given to every send. An error is not of interest here: a 'close' follows it. */
  readonly #sent = (): void => {
    this.#listener?.drained();
  };
}

const textFrame = { binary: false } as const;
const binaryFrame = { binary: true } as const;
const firstFragment = { binary: true, fin: false } as const;

/** Cuts a close reason to what a close frame holds (123 bytes of UTF-8), never inside a character. */
export function closeReason(text: string): string {
  const bytes = Buffer.from(text);
  if (bytes.byteLength <= protocolLimits.closeReasonBytes) return bytes.toString();
  let end: number = protocolLimits.closeReasonBytes;
  while (end > 0 && (bytes[end]! & 0xc0) === 0x80) end--;
  return bytes.toString('utf8', 0, end);
}
