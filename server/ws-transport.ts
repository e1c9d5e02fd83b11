import type { WebSocket } from 'ws';
import * as closeCodes from '../src/protocol/close-codes.ts';
import * as protocolLimits from '../src/protocol/limits.ts';
import type { Clock } from './clock.ts';
import { Alarm } from './alarm.ts';
import { StallWatch } from './gate/stall-watch.ts';
import type { ServerLimits } from './limits.ts';
import type { ClosedBy, Measures } from './sight/measures.ts';
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
  readonly limits: Pick<ServerLimits, 'closeTimeoutMs' | 'stallTimeoutMs'>;
  readonly measures: Measures;
}

/** A WebSocket of `ws` as a transport. */
export class WsTransport implements Transport {
  readonly #socket: WebSocket;
  readonly #clock: Clock;
  readonly #closeTimeoutMs: number;
  readonly #deadline: Alarm;
  readonly #stall: StallWatch;
  readonly #measures: Measures;
  #listener: TransportListener | undefined;
  /** When the last ping went out, on the clock of `performance`; undefined once its pong has come. */
  #pingedAt: number | undefined;
  #rttMs: number | undefined;

  constructor(socket: WebSocket, { clock, limits, measures }: TransportParts) {
    this.#socket = socket;
    this.#clock = clock;
    this.#measures = measures;
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
      this.#ponged(data);
      listener.alive(data.byteLength);
    });
    // `ws` has closed with the right code by itself (1002, 1007, 1008, 1009): 'close' follows.
    let violation: number | undefined;
    socket.on('error', (error: NodeJS.ErrnoException) => {
      this.#deadline.set(this.#clock.now() + this.#closeTimeoutMs);
      violation = violationCode(error.code);
      if (violation !== undefined) listener.violated(violation);
    });
    socket.on('close', (code) => {
      this.#deadline.clear();
      this.#stall.end();
      this.#listener = undefined;
      listener.closed(violation ?? code, violation === undefined ? 'client' : 'server');
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
    this.#deadline.set(this.#clock.now() + this.#closeTimeoutMs);
  }

  terminate(): void {
    this.#socket.terminate();
  }

  /** A pong that nobody asked for has another payload, and measures nothing. */
  #ponged(payload: Buffer): void {
    if (this.#pingedAt === undefined || !payload.equals(roundTripPing)) return;
    this.#rttMs = performance.now() - this.#pingedAt;
    this.#measures.roundTrip.observe(this.#rttMs / 1000);
    this.#pingedAt = undefined;
  }

  /** Given to every send. An error is not of interest here: a 'close' follows it. */
  readonly #sent = (): void => {
    this.#stall.progressed();
    this.#listener?.drained();
  };
}

const roundTripPing = Buffer.from('rtt');

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
