/**
 * One connection, from the first frame to the close. It does no I/O of its own: frames come in by
 * `frame`, answers go out through a `Transport`, time is a `Clock`.
 *
 * ```
 * handshaking -> open | closing | closed
 * open        -> closing | closed
 * closing     -> closed
 * closed      ->
 * ```
 */
import * as closeCodes from '../src/protocol/close-codes.ts';
import { decodeClientFrame } from '../src/protocol/codec.ts';
import type { ClientEnvelope } from '../src/protocol/schema.ts';
import type { ServerContext } from './context.ts';
import { Credentials } from './credentials.ts';
import type { Flushable } from './flush-scheduler.ts';
import { Handshake } from './handshake.ts';
import { Liveness } from './liveness.ts';
import { OpenSession, type SessionStart } from './open-session.ts';
import { Outbound } from './outbound.ts';
import { ReadGate } from './read-gate.ts';
import { checkTransition, type Transitions } from './state-machine.ts';
import type { PeerRequest, SessionClose, Transport } from './transport.ts';
import type { UpgradeToken } from './upgrade-token.ts';

type SessionState =
  | { readonly kind: 'handshaking'; readonly handshake: Handshake }
  | { readonly kind: 'open'; readonly open: OpenSession }
  | { readonly kind: 'closing' }
  | { readonly kind: 'closed' };

/** Which state may follow which. A test compares this with the diagram above. */
export const sessionTransitions: Transitions<SessionState['kind']> = {
  handshaking: ['open', 'closing', 'closed'],
  open: ['closing', 'closed'],
  closing: ['closed'],
  closed: [],
};

/** The protocol state of one connection. */
export class Session implements Flushable {
  readonly #context: ServerContext;
  readonly #transport: Transport;
  readonly #outbound: Outbound;
  readonly #gate: ReadGate;
  readonly #liveness: Liveness;
  readonly #credentials: Credentials;
  #state: SessionState;

  constructor(
    context: ServerContext,
    transport: Transport,
    request: PeerRequest,
    upgradeToken?: UpgradeToken,
  ) {
    const { clock, limits, heartbeatMs, stats } = context;
    const { close } = this;
    this.#context = context;
    this.#transport = transport;
    this.#outbound = new Outbound(transport, clock, limits.batchBytes, this.#requestFlush);
    this.#gate = new ReadGate(transport, stats);
    this.#liveness = new Liveness({
      clock,
      heartbeatMs,
      timeoutMs: limits.heartbeatTimeoutMs,
      isDeaf: () => this.#gate.isServerBusy,
      ping: () => transport.ping(),
      dead: () => this.#die(),
    });
    const shared = { context, outbound: this.#outbound, request, close };
    this.#credentials = new Credentials(shared);
    const opened = (start: SessionStart) => this.#open(start);
    const handshake = new Handshake({ ...shared, credentials: this.#credentials, opened }, upgradeToken);
    this.#state = { kind: 'handshaking', handshake };
  }

  /** Takes a frame: a text frame as a string, a binary one as bytes. Never throws. */
  frame(data: string | Uint8Array): void {
    if (this.#isOver) return;
    this.#liveness.heard();
    this.#context.stats.frames++;
    try {
      const decoded = decodeClientFrame(data);
      if ('violation' in decoded) {
        this.#context.stats.malformed++;
        return this.close(closeCodes.malformedFrame, decoded.violation);
      }
      for (const envelope of decoded.envelopes) this.#handle(envelope);
    } catch (reason) {
      this.#fail(reason, 'a frame could not be processed');
    }
  }

  /** The peer answered a ping of the WebSocket protocol, or sent one. */
  alive(): void {
    this.#liveness.heard();
  }

  /** The transport has handed bytes to the operating system. */
  drained(): void {
    // Its pong could not be heard, but a peer that takes bytes is alive.
    if (this.#gate.isPeerBehind) this.#liveness.heard();
    if (this.#isOver || this.#transport.bufferedAmount >= this.#context.limits.bufferedBytes) return;
    this.#gate.release('output');
    if (this.#state.kind === 'open' && this.#state.open.hasOutput) this.#requestFlush();
  }

  /** The transport has closed. */
  closed(): void {
    this.#end({ kind: 'closed' });
  }

  /** Sends what there is to send and room for. */
  flush(): void {
    if (this.#isOver) return;
    try {
      this.#outbound.flush();
      if (this.#state.kind === 'open') this.#state.open.flush();
      this.#outbound.flushAck();
    } catch (reason) {
      this.#fail(reason, 'output could not be sent');
    }
    // Answers are not messages and know no window: who makes the server answer must take the answers.
    if (this.#transport.bufferedAmount >= this.#context.limits.bufferedBytes) this.#gate.hold('output');
  }

  /** Announces the end of the server, lets publishes in process finish, and closes 1012. */
  goAway(reason: string, retryAfterMs: number): void {
    const close = () => this.close(closeCodes.serviceRestart, reason);
    if (this.#state.kind !== 'open') return close();
    this.#outbound.push({ type: 'goaway', payload: { reason, retryAfterMs } });
    this.#state.open.whenIdle(close);
  }

  /** Sends the answers that wait, and closes. */
  readonly close: SessionClose = (code, reason) => {
    if (this.#isOver) return;
    this.#outbound.flush();
    this.#outbound.flushAck();
    this.#end({ kind: 'closing' });
    // What is wrong with a frame can quote the frame, and so whatever a client has put there.
    const said = code === closeCodes.malformedFrame ? {} : { reason };
    this.#context.logger.debug({ code, ...said }, 'connection closed by the server');
    this.#transport.close(code, reason);
  };

  get #isOver(): boolean {
    return this.#state.kind === 'closing' || this.#state.kind === 'closed';
  }

  readonly #requestFlush = (): void => {
    this.#context.scheduler.request(this);
  };

  #handle(envelope: ClientEnvelope): void {
    const state = this.#state;
    switch (state.kind) {
      case 'handshaking':
        return state.handshake.handle(envelope);
      case 'open':
        return state.open.handle(envelope);
      case 'closing':
      case 'closed':
        return undefined;
      default:
        return state satisfies never;
    }
  }

  #open(start: SessionStart): void {
    const open = new OpenSession(
      {
        context: this.#context,
        transport: this.#transport,
        outbound: this.#outbound,
        gate: this.#gate,
        credentials: this.#credentials,
        close: this.close,
        request: this.#requestFlush,
        terminate: () => this.#terminate(),
      },
      start,
    );
    this.#context.sessions.set(start.client.key, open);
    this.#become({ kind: 'open', open });
    this.#credentials.opened();
  }

  #fail(reason: unknown, message: string): void {
    this.#context.logger.error({ err: reason }, message);
    this.close(closeCodes.internalError, 'the server failed');
  }

  #die(): void {
    this.#context.stats.dead++;
    this.close(closeCodes.heartbeatTimeout, 'no sign of life');
  }

  #terminate(): void {
    this.#end({ kind: 'closing' });
    this.#transport.terminate();
  }

  #end(next: { readonly kind: 'closing' } | { readonly kind: 'closed' }): void {
    const state = this.#state;
    if (state.kind === next.kind || state.kind === 'closed') return;
    this.#become(next);
    this.#liveness.end();
    this.#credentials.end();
    if (state.kind === 'handshaking') state.handshake.end();
    if (state.kind === 'open') state.open.end();
  }

  /** The one writer of the state. */
  #become(next: SessionState): void {
    checkTransition(sessionTransitions, this.#state.kind, next.kind);
    this.#state = next;
  }
}
