import * as closeCodes from '../src/protocol/close-codes.ts';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import { subprotocol } from '../src/protocol/version.ts';
import type { ServerContext } from './context.ts';
import { addressKey } from './gate/address.ts';
import { banCode } from './gate/conduct.ts';
import type { Ban, BanTarget } from './gate/bans.ts';
import { Shedder } from './gate/shedder.ts';
import { HeardSocket } from './heard-socket.ts';
import { Roster, type Listed } from './roster.ts';
import { Session } from './session.ts';
import type { Measured, ServerMeasures } from './sight/measures.ts';
import { refuseUpgrade } from './upgrade.ts';
import { isBearer, takeUpgradeToken } from './upgrade-token.ts';
import { WsTransport, type TransportListener } from './ws-transport.ts';

/** A connection as the server ends it, and as somebody who runs it sees it: hands what its transport says to its session. */
export class Connection implements TransportListener, Listed {
  /** Names the connection within this process. */
  readonly id: number;
  place = -1;
  readonly session: Session<WsTransport>;
  readonly #removed: (connection: Connection) => void;

  constructor(id: number, session: Session<WsTransport>, removed: (connection: Connection) => void) {
    this.id = id;
    this.session = session;
    this.#removed = removed;
  }

  /** When it was accepted, in milliseconds since the Unix epoch, to a millisecond. */
  get since(): number {
    const { clock } = this.session.context;
    return clock.now() - (clock.uptime() - this.session.acceptedAt);
  }

  get transport(): WsTransport {
    return this.session.transport;
  }

  get address(): string | undefined {
    return this.session.address;
  }

  get addressKey(): string | undefined {
    return addressKey(this.address);
  }

  frame(data: string | Uint8Array, bytes: number): void {
    this.session.frame(data, bytes);
  }

  alive(bytes: number): void {
    this.session.alive(bytes);
  }

  violated(code: number): void {
    this.session.violated(code);
  }

  stalled(): void {
    this.session.stalled();
  }

  drained(): void {
    this.session.drained();
  }

  closed(code: number): void {
    this.session.closed(code);
    this.#removed(this);
  }
}

/** How all connections end. */
export interface Ending {
  readonly withinMs: number;
  /** Milliseconds after which those that are not done are closed. */
  readonly forceAfterMs: number;
  readonly retryAfterMs: () => number;
  /** Whether running requests are waited for. */
  readonly afterRequests: boolean;
}

const goodbye = 'the server restarts';

/** Accepts WebSockets, and knows all that are open. */
export class Connections {
  readonly #context: ServerContext;
  readonly #sockets: WebSocketServer;
  readonly #open = new Roster<Connection>();
  readonly #shedder: Shedder;
  #ids = 0;
  #isEnding = false;
  readonly #emptied = new Set<() => void>();

  constructor(context: ServerContext) {
    const { limits, compression, gatekeeper } = context;
    this.#context = context;
    this.#sockets = new WebSocketServer({
      noServer: true,
      WebSocket: HeardSocket,
      clientTracking: false,
      maxPayload: limits.maxFrameBytes,
      // Compression costs memory per connection and time per receiver, and shared frames could not be shared.
      perMessageDeflate: compression ?? false,
      handleProtocols: chooseProtocol,
    });
    this.#shedder = new Shedder(context, () => this.all.toReversed());
    gatekeeper.banned = (ban) => this.#expel(ban);
  }

  /** How many there are. */
  get size(): number {
    return this.#open.size;
  }

  /** All connections, the oldest first. */
  get all(): Connection[] {
    return oldestFirst(this.#open.list());
  }

  /** Takes an upgrade request, or answers it with 403, 429 or 503. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const { gatekeeper } = this.#context;
    const admission = gatekeeper.admit(request, this.#open.size, this.#shedder.isOverloaded);
    if (admission.kind === 'refused') {
      const { status, retryAfterS } = admission;
      return refuseUpgrade(socket, status, retryAfterS === undefined ? [] : [`Retry-After: ${retryAfterS}`]);
    }
    const { address } = admission;
    this.#sockets.handleUpgrade(request, socket, head, (webSocket) =>
      this.#accept(webSocket as HeardSocket, request, address),
    );
  }

  /** What is measured, at this moment. */
  measures(): ServerMeasures {
    return this.#context.measures.data(this.#open.list().map(measuredOf));
  }

  /** Says goodbye to all, and ends after `withinMs` milliseconds those that did not close. Nobody may come meanwhile. */
  async end({ withinMs, forceAfterMs, retryAfterMs, afterRequests }: Ending): Promise<void> {
    if (!this.#isEnding) {
      this.#open.each(({ session }) => session.goAway(goodbye, retryAfterMs(), { afterRequests }));
    }
    this.#isEnding = true;
    await this.hurry(forceAfterMs, withinMs);
  }

  /** Closes after `forceAfterMs` milliseconds who is still there, and ends after `withinMs` what did not close. */
  async hurry(forceAfterMs: number, withinMs: number): Promise<void> {
    if (this.#open.size === 0) return;
    const { clock } = this.#context;
    const force = () => this.#open.each(({ session }) => session.dismiss(closeCodes.serviceRestart, goodbye));
    const terminate = () => this.#open.each(({ transport }) => transport.terminate());
    const timers = [clock.setTimer(force, forceAfterMs), clock.setTimer(terminate, withinMs)];
    await new Promise<void>((resolve) => this.#emptied.add(resolve));
    for (const timer of timers) clock.clearTimer(timer);
  }

  /** The connections of an address or identity. */
  of({ kind, value }: BanTarget): Connection[] {
    const isOf: (each: Connection) => boolean =
      kind === 'address' ? (each) => each.addressKey === value : ({ session }) => session.identity === value;
    return oldestFirst(this.#open.list().filter(isOf));
  }

  #accept(webSocket: HeardSocket, request: IncomingMessage, address: string | undefined): void {
    const { stats, logger, gatekeeper, hooks, tokens } = this.#context;
    const transport = new WsTransport(webSocket, request.socket, this.#context);
    const key = addressKey(address);
    const { headers, url = '/' } = request;
    const upgrade = { headers, url, remoteAddress: address, addressKey: key };
    const taken = hooks.authenticate && takeUpgradeToken(upgrade, tokens);
    const session = new Session(this.#context, transport, taken?.request ?? upgrade, taken?.upgradeToken);
    const connection = new Connection(++this.#ids, session, this.#removed);
    this.#open.add(connection);
    gatekeeper.entered(key);
    stats.connected++;
    stats.connections = this.#open.size;
    this.#shedder.watch();
    transport.listen(connection);
    logger.debug({ remoteAddress: address }, 'connection accepted');
    if (webSocket.protocol !== subprotocol) {
      session.close(closeCodes.unsupportedVersion, `this server speaks the subprotocol ${subprotocol}`);
    }
  }

  readonly #removed = (connection: Connection): void => {
    this.#open.delete(connection);
    this.#context.gatekeeper.left(connection.addressKey);
    this.#context.measures.ended(measuredOf(connection));
    this.#context.stats.connections = this.#open.size;
    this.#context.logger.debug({}, 'connection closed');
    if (this.#open.size > 0) return;
    this.#shedder.end();
    for (const emptied of this.#emptied) emptied();
    this.#emptied.clear();
  };

  /**
   * Who is banned is closed. A ban of an address for violations leaves those alone who are there already: they can be
   * others behind the same address, and whoever goes on violating is closed for that.
   */
  #expel(ban: Ban): void {
    if (ban.by === 'strikes' && ban.kind === 'address') return;
    for (const { session } of this.of(ban)) session.dismiss(banCode(ban.by), `banned: ${ban.reason}`);
  }
}

const oldestFirst = (connections: Connection[]): Connection[] =>
  connections.toSorted((one, other) => one.id - other.id);

const measuredOf = ({ session, transport }: Connection): Measured => ({
  receivedBytes: transport.bytesRead,
  sentBytes: transport.bytesWritten,
  bufferedBytes: transport.bufferedAmount,
  publishesInProcess: session.opened?.publishesInProcess ?? 0,
});

/**
 * A browser fails a handshake that selects none of the subprotocols it offered, and the page then learns
 * nothing of the reason: so one of them is selected, and the connection closed with a code that tells. One that carries a token is never
 * selected, for the answer would repeat it.
 */
function chooseProtocol(offered: Set<string>): string | false {
  if (offered.has(subprotocol)) return subprotocol;
  const first = [...offered].find((name) => !isBearer(name));
  return first ?? false;
}
