import type { Socket } from 'node:net';
import type { RawData, WebSocket } from 'ws';
import * as closeCodes from '../src/protocol/close-codes.ts';
import type { Clock } from './clock.ts';
import { Alarm } from './alarm.ts';
import { closeReason } from './close-reason.ts';
import type { DueQueue } from './due-queue.ts';
import { StallWatch, type StallWatchOwner } from './gate/stall-watch.ts';
import type { ServerLimits } from './limits.ts';
import type { ClosedBy, Measures } from './sight/measures.ts';
import type { SharedText } from './shared-text.ts';
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
  closed(code: number, by: ClosedBy): void;
}

/** What a transport needs of its server. */
interface TransportParts {
  readonly clock: Clock;
  readonly dues: DueQueue;
  readonly limits: Pick<ServerLimits, 'closeTimeoutMs' | 'stallTimeoutMs'>;
  readonly measures: Measures;
}

/** A WebSocket of `ws` as a transport. */
export class WsTransport implements Transport, StallWatchOwner {
  readonly #socket: WebSocket;
  /** What the WebSocket writes to. */
  readonly #stream: Socket;
  readonly #parts: TransportParts;
  /** There once the connection has to end within a time. */
  #deadline: Alarm | undefined;
  /** There once something has waited for the peer. */
  #stall: StallWatch | undefined;
  #listener: TransportListener | undefined;
  /** Whether a write is under way that tells when what waits has gone. */
  #isAwaiting = false;
  #told: (() => void) | undefined;
  /** The code with which `ws` has closed because of the peer. */
  #violation: number | undefined;
  /** When the last ping went out, on the clock of `performance`; undefined once its pong has come. */
  #pingedAt: number | undefined;
  #rttMs: number | undefined;

  constructor(socket: WebSocket, stream: Socket, parts: TransportParts) {
    this.#socket = socket;
    this.#stream = stream;
    this.#parts = parts;
  }

  /** Connects the socket's events with a session. Call once. */
  listen(listener: TransportListener): void {
    this.#listener = listener;
    Object.assign(this.#socket, { [transport]: this })
      .on('message', onMessage)
      .on('ping', onPing)
      .on('pong', onPong)
      .on('error', onError)
      .on('close', onClose);
  }

  /** A frame has come. */
  frame(data: Buffer, isBinary: boolean): void {
    this.#listener?.frame(isBinary ? data : data.toString(), data.byteLength);
  }

  /** A ping of the peer has come, which `ws` has answered. */
  pinged(payload: Buffer): void {
    this.#listener?.alive(payload.byteLength);
  }

  /** A pong has come. One that nobody asked for has another payload, and measures nothing. */
  ponged(payload: Buffer): void {
    if (this.#pingedAt !== undefined && payload.equals(roundTripPing)) {
      this.#rttMs = performance.now() - this.#pingedAt;
      this.#parts.measures.roundTrip.observe(this.#rttMs / 1000);
      this.#pingedAt = undefined;
    }
    this.#listener?.alive(payload.byteLength);
  }

  /** `ws` has closed with the right code by itself (1002, 1007, 1008, 1009): 'close' follows. */
  failed(error: NodeJS.ErrnoException): void {
    this.#endSoon();
    this.#violation = violationCode(error.code);
    if (this.#violation !== undefined) this.#listener?.violated(this.#violation);
  }

  /** The connection is gone. */
  closed(code: number): void {
    this.#deadline?.clear();
    this.#stall?.end();
    const listener = this.#listener;
    this.#listener = undefined;
    listener?.closed(this.#violation ?? code, this.#violation === undefined ? 'client' : 'server');
  }

  get clock(): Clock {
    return this.#parts.clock;
  }

  /** Milliseconds without progress after which the peer has stalled. */
  get timeoutMs(): number {
    return this.#parts.limits.stallTimeoutMs;
  }

  isWaiting(): boolean {
    return this.#socket.bufferedAmount > 0;
  }

  unwritten(): number {
    return unwrittenBytes(this.#socket);
  }

  stalled(): void {
    this.#listener?.stalled();
  }

  /** Bytes read from the connection. */
  get bytesRead(): number {
    return this.#stream.bytesRead;
  }

  /** Bytes written to the connection. */
  get bytesWritten(): number {
    return this.#stream.bytesWritten;
  }

  get bufferedAmount(): number {
    return this.#socket.bufferedAmount;
  }

  /** Milliseconds that the last answer to a ping took; undefined before there was one. */
  get rttMs(): number | undefined {
    return this.#rttMs;
  }

  sendText(text: string | SharedText): void {
    if (typeof text === 'string') this.#socket.send(text, textFrame, this.#sent);
    else this.#sendShared(text);
    this.#watchBacklog();
  }

  sendBinary(data: Uint8Array, more?: Uint8Array): void {
    // With more, they are two fragments of one message (RFC 6455, section 5.4).
    if (more) this.#socket.send(data, firstFragment);
    this.#socket.send(more ?? data, binaryFrame, this.#sent);
    this.#watchBacklog();
  }

  /** Without compression a frame that is made already goes out as it is: `ws` would write its head and its content. */
  #sendShared({ frame, bytes }: SharedText): void {
    const socket = this.#socket;
    if (this.#isCompressed) socket.send(bytes, textFrame, this.#sent);
    else if (socket.readyState === socket.OPEN) this.#stream.write(frame);
  }

  ping(): void {
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    this.#pingedAt = performance.now();
    this.#socket.ping(roundTripPing);
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
    this.#endSoon();
  }

  terminate(): void {
    this.#socket.terminate();
  }

  #endSoon(): void {
    const { clock, dues, limits } = this.#parts;
    this.#deadline ??= new Alarm(dues, () => this.#socket.terminate());
    this.#deadline.set(clock.now() + limits.closeTimeoutMs);
  }

  /**
   * Mostly the operating system takes all at once, and then there is nothing to tell of. Where something waits, an empty
   * write behind it tells when it has gone: one for all, for it costs as much as another one.
   */
  #watchBacklog(): void {
    if (!this.isWaiting()) return;
    this.#stall ??= new StallWatch(this);
    this.#stall.sent();
    if (this.#isAwaiting || this.#isCompressed || this.#socket.readyState !== this.#socket.OPEN) return;
    this.#isAwaiting = true;
    this.#stream.write(nothing, this.#tell);
  }

  get #isCompressed(): boolean {
    return this.#socket.extensions !== '';
  }

  /** The callback of a send. Only `ws` knows when it has compressed something, and it has gone. */
  get #sent(): (() => void) | undefined {
    return this.#isCompressed ? this.#tell : undefined;
  }

  get #tell(): () => void {
    return (this.#told ??= () => this.#backlogGone());
  }

  // An error is not of interest here: a 'close' follows it.
  #backlogGone(): void {
    this.#isAwaiting = false;
    this.#stall?.progressed();
    this.#listener?.drained();
    this.#watchBacklog();
  }
}

const roundTripPing = Buffer.from('rtt');
const nothing = Buffer.alloc(0);

/** Where a WebSocket has its transport, so that all WebSockets can share the functions that hear their events. */
const transport = Symbol('transport');

const transportOf = (socket: WebSocket): WsTransport =>
  (socket as WebSocket & { readonly [transport]: WsTransport })[transport];

function onMessage(this: WebSocket, data: RawData, isBinary: boolean): void {
  // Never an array or an ArrayBuffer: that is what `binaryType` 'nodebuffer', the default, says.
  transportOf(this).frame(data as Buffer, isBinary);
}

function onPing(this: WebSocket, payload: Buffer): void {
  transportOf(this).pinged(payload);
}

function onPong(this: WebSocket, payload: Buffer): void {
  transportOf(this).ponged(payload);
}

function onError(this: WebSocket, error: Error): void {
  transportOf(this).failed(error);
}

function onClose(this: WebSocket, code: number): void {
  transportOf(this).closed(code);
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
