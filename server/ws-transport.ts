import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';
import * as closeCodes from '../src/protocol/close-codes.ts';
import type { Clock } from './clock.ts';
import { Alarm } from './alarm.ts';
import { Backlog, type BacklogOwner } from './backlog.ts';
import { closeReason } from './close-reason.ts';
import type { DueQueue } from './due-queue.ts';
import type { HeardSocket, SocketHearer } from './heard-socket.ts';
import type { ServerLimits } from './limits.ts';
import { RoundTrip } from './round-trip.ts';
import type { Measures } from './sight/measures.ts';
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
  closed(code: number): void;
}

/** What a transport needs of its server. */
interface TransportParts {
  readonly clock: Clock;
  readonly dues: DueQueue;
  readonly limits: Pick<ServerLimits, 'closeTimeoutMs' | 'stallTimeoutMs'>;
  readonly measures: Measures;
}

/** A WebSocket of `ws` as a transport. */
export class WsTransport implements Transport, SocketHearer, BacklogOwner {
  readonly #socket: HeardSocket;
  /** What the WebSocket writes to. */
  readonly #stream: Socket;
  readonly #parts: TransportParts;
  /** There once the connection has to end within a time. */
  #deadline: Alarm | undefined;
  /** There once something has waited for the peer. */
  #backlog: Backlog | undefined;
  #listener: TransportListener | undefined;
  /** There from the first ping on. */
  #roundTrip: RoundTrip | undefined;

  constructor(socket: HeardSocket, stream: Socket, parts: TransportParts) {
    this.#socket = socket;
    this.#stream = stream;
    this.#parts = parts;
  }

  /** Connects the socket's events with a session. Call once. */
  listen(listener: TransportListener): void {
    this.#listener = listener;
    this.#socket.hearer = this;
  }

  frame(data: Buffer, isBinary: boolean): void {
    this.#listener?.frame(isBinary ? data : data.toString(), data.byteLength);
  }

  pinged(payload: Buffer): void {
    this.#listener?.alive(payload.byteLength);
  }

  ponged(payload: Buffer): void {
    this.#roundTrip?.end(payload);
    this.#listener?.alive(payload.byteLength);
  }

  /** `ws` has closed with the right code by itself (1002, 1007, 1008, 1009): 'close' follows. */
  failed(error: NodeJS.ErrnoException): void {
    this.#endSoon();
    const violation = violationCode(error.code);
    if (violation !== undefined) this.#listener?.violated(violation);
  }

  /** The connection is gone. */
  closed(code: number): void {
    this.#deadline?.clear();
    this.#backlog?.end();
    const listener = this.#listener;
    this.#listener = undefined;
    listener?.closed(code);
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
    return this.#roundTrip?.ms;
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
    this.#roundTrip ??= new RoundTrip(this.#parts.measures);
    this.#socket.ping(this.#roundTrip.begin());
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

  /** Mostly the operating system takes all at once, and then there is nothing to tell of. */
  #watchBacklog(): void {
    if (!this.isWaiting()) return;
    this.#backlog ??= new Backlog(this);
    this.#backlog.grown();
  }

  /** An empty write behind what waits goes when that has gone. */
  tellWhenGone(gone: () => void): boolean {
    if (this.#isCompressed || this.#socket.readyState !== this.#socket.OPEN) return false;
    this.#stream.write(nothing, gone);
    return true;
  }

  drained(): void {
    this.#listener?.drained();
  }

  get #isCompressed(): boolean {
    return this.#socket.extensions !== '';
  }

  /** The callback of a send. Only `ws` knows when it has compressed something, and it has gone. */
  get #sent(): (() => void) | undefined {
    if (!this.#isCompressed) return undefined;
    this.#backlog ??= new Backlog(this);
    return this.#backlog.gone;
  }
}

const nothing = Buffer.alloc(0);

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
