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
import type { ConnectionOwner } from './attached.ts';
import { Credentials, type CredentialsOwner } from './credentials.ts';
import type { Flushable } from './flush-scheduler.ts';
import { Conduct, type ConductOwner } from './gate/conduct.ts';
import type { GoAway } from './go-away.ts';
import { Handshake, type HandshakeOwner } from './handshake.ts';
import { Liveness } from './liveness.ts';
import { OpenSession, type SessionStart } from './open-session.ts';
import { Outbound, type OutboundOwner } from './outbound.ts';
import { ReadGate } from './read-gate.ts';
import type { ConnectionStage } from './sight/measures.ts';
import type { Staged } from './sight/stages.ts';
import { checkTransition, type Transitions } from './state-machine.ts';
import type { PeerRequest, Transport } from './transport.ts';
import type { UpgradeToken } from './upgrade-token.ts';

type Ended =
  /** With the code, where this side has ended the connection. */
  { readonly kind: 'closing'; readonly code?: number } | { readonly kind: 'closed' };

type SessionState = Handshake | OpenSession | Ended;

/** Which state may follow which. A test compares this with the diagram above. */
export const sessionTransitions: Transitions<SessionState['kind']> = {
  handshaking: ['open', 'closing', 'closed'],
  open: ['closing', 'closed'],
  closing: ['closed'],
  closed: [],
};

/**
 * The protocol state of one connection. Its parts have it as their owner: a server has tens of thousands of them, and
 * what is copied, or bound in a function, for each part of each connection would be most of their memory.
 */
export class Session<T extends Transport = Transport>
  extends Liveness
  implements
    Flushable,
    OutboundOwner,
    ConductOwner,
    CredentialsOwner,
    HandshakeOwner,
    Staged,
    ConnectionOwner
{
  readonly context: ServerContext;
  readonly transport: T;
  /** The client's address. */
  readonly address: string | undefined;
  readonly outbound: Outbound;
  readonly acceptedAt: number;
  stages = 0;
  /** There once reading was paused. */
  #gate: ReadGate | undefined;
  readonly #conduct: Conduct;
  /** There once a token can come. */
  #credentials: Credentials | undefined;
  #state: SessionState;

  constructor(context: ServerContext, transport: T, peer: PeerRequest, upgradeToken?: UpgradeToken) {
    super();
    this.context = context;
    this.transport = transport;
    this.address = peer.remoteAddress;
    // Nobody but `authenticate` ever sees the headers of the upgrade, and its path.
    if (context.hooks.authenticate) this.#credentials = new Credentials(this, peer);
    this.acceptedAt = context.clock.uptime();
    this.outbound = new Outbound(this);
    this.watch();
    this.#conduct = new Conduct(this);
    this.#state = new Handshake(this, upgradeToken);
  }

  get credentials(): Credentials {
    return (this.#credentials ??= new Credentials(this));
  }

  /** What it is from the welcome until its end. */
  get opened(): OpenSession | undefined {
    return this.#state.kind === 'open' ? this.#state : undefined;
  }

  /** Whose connection it is, as soon as that is proved. */
  get identity(): string | undefined {
    return this.#conduct.identity;
  }

  get gate(): ReadGate {
    return (this.#gate ??= new ReadGate(this.transport, this.context.stats));
  }

  protected isDeaf(): boolean {
    return this.#gate?.isServerBusy === true;
  }

  protected ping(): void {
    this.transport.ping();
  }

  protected dead(): void {
    this.context.stats.dead++;
    this.context.limitHits.hit('heartbeat', this.#conduct.who);
    this.close(closeCodes.heartbeatTimeout, 'no sign of life');
  }

  seat(identity: string, key: string): boolean {
    return this.#conduct.seat(identity, key);
  }

  /** Takes a frame: a text frame as a string, a binary one as bytes. `bytes` is its size. Never throws. */
  frame(data: string | Uint8Array, bytes = data.length): void {
    if (this.#isOver) return;
    this.heard();
    this.context.stats.frames++;
    try {
      const decoded = decodeClientFrame(data);
      if ('violation' in decoded) {
        this.context.stats.malformed++;
        return this.close(closeCodes.malformedFrame, decoded.violation);
      }
      this.#conduct.tookFrame(decoded.envelopes, bytes);
      for (const envelope of decoded.envelopes) this.#handle(envelope);
    } catch (reason) {
      this.#fail(reason, 'a frame could not be processed');
    }
  }

  /** The peer answered a ping of the WebSocket protocol, or sent one, which the transport has answered. */
  alive(bytes = 0): void {
    if (this.#isOver) return;
    this.heard();
    this.#conduct.tookControlFrame(bytes);
    this.#holdWhileBehind();
  }

  /** The peer has broken the WebSocket protocol, and the transport has closed with this code. */
  violated(code: number): void {
    if (this.#isOver) return;
    if (code === closeCodes.tooBig) this.context.limitHits.hit('frame-bytes', this.#conduct.who);
    this.#conduct.closedWith(code, 'broken framing');
    this.#end({ kind: 'closing', code });
  }

  /** The peer takes nothing of what waits for it. */
  stalled(): void {
    this.context.limitHits.hit('stall', this.#conduct.who);
    this.close(closeCodes.heartbeatTimeout, 'takes nothing of what it is sent');
  }

  /** The transport has handed bytes to the operating system. */
  drained(): void {
    // Its pong could not be heard, but a peer that takes bytes is alive.
    if (this.#gate?.isPeerBehind) this.heard();
    if (this.#isOver || this.transport.bufferedAmount >= this.context.limits.bufferedBytes) return;
    this.#gate?.release('output');
    if (this.#state.kind === 'open' && this.#state.hasOutput) this.request();
  }

  /** The transport has closed, with the code of the peer. */
  closed(code: number = closeCodes.abnormal): void {
    const state = this.#state;
    if (state.kind === 'closed') return;
    this.#end({ kind: 'closed' });
    const own = state.kind === 'closing' ? state.code : undefined;
    this.context.measures.disconnected(own ?? code, own === undefined ? 'client' : 'server');
  }

  /** Sends what there is to send and room for. */
  flush(): void {
    if (this.#isOver) return;
    try {
      this.outbound.flush();
      if (this.#state.kind === 'open') this.#state.flush();
      this.outbound.flushAck();
    } catch (reason) {
      this.#fail(reason, 'output could not be sent');
    }
    this.#holdWhileBehind();
  }

  /**
   * Announces the end of the connection, lets publishes in process finish, and with `afterRequests` the requests that
   * run, too, and closes.
   */
  goAway(
    reason: string,
    retryAfterMs: number,
    { code = closeCodes.serviceRestart, afterRequests = false }: GoAway = {},
  ): void {
    const close = () => this.dismiss(code, reason);
    if (this.#state.kind !== 'open') return close();
    this.outbound.push({ type: 'goaway', payload: { reason, retryAfterMs } });
    this.#state.whenIdle(close, afterRequests);
  }

  /** Sends the answers that wait, and closes. What the code blames on the peer is a strike against it. */
  close(code: number, reason: string): void {
    if (this.#isOver) return;
    this.#conduct.closedWith(code, code === closeCodes.malformedFrame ? 'a malformed frame' : reason);
    this.dismiss(code, reason);
  }

  /** Closes without blame. */
  dismiss(code: number, reason: string): void {
    if (this.#isOver) return;
    this.outbound.flush();
    this.outbound.flushAck();
    this.#end({ kind: 'closing', code });
    this.context.measures.closing(code);
    // What is wrong with a frame can quote the frame, and so whatever a client has put there.
    const said = code === closeCodes.malformedFrame ? {} : { reason };
    this.context.logger.debug({ code, ...said }, 'connection closed by the server');
    this.transport.close(code, reason);
  }

  get #isOver(): boolean {
    return this.#state.kind === 'closing' || this.#state.kind === 'closed';
  }

  /** Answers are not messages and know no window: who makes the server answer must take the answers. */
  #holdWhileBehind(): void {
    if (this.transport.bufferedAmount >= this.context.limits.bufferedBytes) this.gate.hold('output');
  }

  request(): void {
    this.context.scheduler.request(this);
  }

  reached(stage: ConnectionStage): void {
    this.context.stages.reached(this, stage);
  }

  #handle(envelope: ClientEnvelope): void {
    const state = this.#state;
    switch (state.kind) {
      case 'handshaking':
      case 'open':
        return state.handle(envelope);
      case 'closing':
      case 'closed':
        return undefined;
      default:
        return state satisfies never;
    }
  }

  open(start: SessionStart): void {
    const open = new OpenSession(this, start);
    this.context.sessions.set(start.client.key, open);
    this.#become(open);
    this.#credentials?.opened();
    this.reached('welcome');
  }

  #fail(reason: unknown, message: string): void {
    this.context.logger.error({ err: reason }, message);
    this.close(closeCodes.internalError, 'the server failed');
  }

  terminate(): void {
    this.#end({ kind: 'closing', code: closeCodes.connectionReplaced });
    this.transport.terminate();
  }

  #end(next: Ended): void {
    const state = this.#state;
    if (state.kind === next.kind || state.kind === 'closed') return;
    this.#become(next);
    this.unwatch();
    this.#credentials?.end();
    this.#conduct.end();
    if (state.kind === 'handshaking' || state.kind === 'open') state.end();
  }

  /** The one writer of the state. */
  #become(next: SessionState): void {
    checkTransition(sessionTransitions, this.#state.kind, next.kind);
    this.#state = next;
  }
}
