import type { WebSocket } from 'ws';
import * as closeCodes from '../src/protocol/close-codes.ts';
import * as protocolLimits from '../src/protocol/limits.ts';
import type { Clock } from './clock.ts';
import { Alarm } from './alarm.ts';
import { StallWatch } from './gate/stall-watch.ts';
import type { ServerLimits } from './limits.ts';
import type { Transport } from './transport.ts';

/** What a WebSocket tells its session. */
export interface TransportListener {
  frame(data: string | Uint8Array, bytes: number): void;
  /** A ping or pong of the WebSocket protocol has come. */
  alive(bytes: number): void;
  /** The peer has broken the WebSocket protocol, and `ws` has closed with this code. */
  violated(code: number): void;
  /** The peer takes nothing of what waits for it. */
  stalled(): void;
  drained(): void;
  closed(): void;
}

/** What bounds a transport. */
export type TransportLimits = Pick<ServerLimits, 'closeTimeoutMs' | 'stallTimeoutMs'>;

/** A WebSocket of `ws` as a transport. */
export class WsTransport implements Transport {
  readonly #socket: WebSocket;
  readonly #clock: Clock;
  readonly #closeTimeoutMs: number;
  readonly #deadline: Alarm;
  readonly #stall: StallWatch;
  #listener: TransportListener | undefined;
  #pingedAt: number | undefined;
  #rttMs: number | undefined;

  constructor(socket: WebSocket, clock: Clock, limits: TransportLimits) {
    this.#socket = socket;
    this.#clock = clock;
    this.#closeTimeoutMs = limits.closeTimeoutMs;
    this.#stall = new StallWatch({
      clock,
      timeoutMs: limits.stallTimeoutMs,
      isWaiting: () => socket.bufferedAmount > 0,
      unwritten: () => unwrittenBytes(socket),
      stalled: () => this.#listener?.stalled(),
    });
    this.#deadline = new Alarm(clock, () => socket.terminate());
  }

  /** Connects the socket's events with a session. Call once. */
  listen(listener: TransportListener): void {
    this.#listener = listener;
    const socket = this.#socket;
    socket.on('message', (data, isBinary) => {
      const bytes = data as Buffer;
      listener.frame(isBinary ? bytes : bytes.toString(), bytes.byteLength);
    });
    socket.on('ping', (data) => listener.alive(data.byteLength));
    socket.on('pong', (data) => {
      if (this.#pingedAt !== undefined) this.#rttMs = Math.max(0, this.#clock.now() - this.#pingedAt);
      this.#pingedAt = undefined;
      listener.alive(data.byteLength);
    });
    // `ws` has closed with the right code by itself (1002, 1007, 1008, 1009): 'close' follows.
    socket.on('error', (error: NodeJS.ErrnoException) => {
      this.#deadline.set(this.#clock.now() + this.#closeTimeoutMs);
      const code = violationCode(error.code);
      if (code !== undefined) listener.violated(code);
    });
    socket.on('close', () => {
      this.#deadline.clear();
      this.#stall.end();
      this.#listener = undefined;
      listener.closed();
    });
  }

  get bufferedAmount(): number {
    return this.#socket.bufferedAmount;
  }

  /** Milliseconds that the last answer to a ping took; undefined before there was one. */
  get rttMs(): number | undefined {
    return this.#rttMs;
  }

  sendText(data: string | Uint8Array): void {
    this.#socket.send(data, textFrame, this.#sent);
    this.#stall.sent();
  }

  sendBinary(data: Uint8Array, more?: Uint8Array): void {
    // With more, they are two fragments of one message (RFC 6455, section 5.4).
    if (more) this.#socket.send(data, firstFragment);
    this.#socket.send(more ?? data, binaryFrame, this.#sent);
    this.#stall.sent();
  }

  ping(): void {
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    this.#pingedAt = this.#clock.now();
    this.#socket.ping();
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
    this.#stall.progressed();
    this.#listener?.drained();
  };
}

/** Closes that `ws` does by itself, by the code of its error. */
function violationCode(error: string | undefined): number | undefined {
  switch (error) {
    case 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH':
    case 'WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH':
      return closeCodes.tooBig;
    case 'WS_ERR_INVALID_UTF8':
      return closeCodes.invalidPayload;
    case 'WS_ERR_TOO_MANY_BUFFERED_PARTS':
      return closeCodes.policyViolation;
    case 'Z_DATA_ERROR':
      return closeCodes.invalidPayload;
    default:
      return error?.startsWith('WS_ERR_') ? closeCodes.protocolError : undefined;
  }
}

/**
 * Bytes that libuv has and the operating system does not. Nothing public tells of a write that is only partly done;
 * this is what the timeout of Node's own sockets looks at (`Socket.prototype._onTimeout` in lib/net.js). Without it,
 * only writes that are done count as progress.
 */
export function unwrittenBytes(socket: WebSocket): number {
  const { _socket } = socket as unknown as {
    readonly _socket?: { readonly _handle?: { readonly writeQueueSize?: number } };
  };
  return _socket?._handle?.writeQueueSize ?? 0;
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
