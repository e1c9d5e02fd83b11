import * as closeCodes from '../src/protocol/close-codes.ts';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type WebSocket } from 'ws';
import { subprotocol } from '../src/protocol/version.ts';
import type { ServerContext } from './context.ts';
import { Session } from './session.ts';
import { refuseUpgrade } from './upgrade.ts';
import { isBearer, takeUpgradeToken } from './upgrade-token.ts';
import { WsTransport } from './ws-transport.ts';

/** A connection as the server ends it. */
interface Connection {
  readonly session: Session;
  readonly transport: WsTransport;
}

/** Accepts WebSockets, and knows all that are open. */
export class Connections {
  readonly #context: ServerContext;
  readonly #sockets: WebSocketServer;
  readonly #open = new Set<Connection>();
  #isClosing = false;
  #emptied: (() => void) | undefined;

  constructor(context: ServerContext) {
    this.#context = context;
    this.#sockets = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      maxPayload: context.limits.maxFrameBytes,
      // Compression costs memory per connection and time per receiver, and shared frames could not be shared.
      perMessageDeflate: false,
      handleProtocols: chooseProtocol,
    });
  }

  get isClosing(): boolean {
    return this.#isClosing;
  }

  /** Takes an upgrade request, or answers it with 403 or 503. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const { origins, logger, limits } = this.#context;
    const { origin } = request.headers;
    if (origins && !origins.has(origin ?? '')) {
      logger.debug({ origin }, 'origin refused');
      return refuseUpgrade(socket, 403);
    }
    if (this.#isClosing || this.#open.size >= limits.connections) {
      return refuseUpgrade(socket, 503, ['Retry-After: 5']);
    }
    this.#sockets.handleUpgrade(request, socket, head, (webSocket) => this.#accept(webSocket, request));
  }

  /** Says goodbye to all, and ends after `withinMs` milliseconds those that did not close. */
  async close(withinMs: number, retryAfterMs: () => number): Promise<void> {
    this.#isClosing = true;
    for (const { session } of this.#open) session.goAway('the server restarts', retryAfterMs());
    if (this.#open.size === 0) return;
    const { clock } = this.#context;
    const force = () =>
      this.#open.forEach(({ session }) => session.close(closeCodes.serviceRestart, 'the server restarts'));
    const terminate = () => this.#open.forEach(({ transport }) => transport.terminate());
    const timers = [clock.setTimer(force, withinMs / 2), clock.setTimer(terminate, withinMs)];
    await new Promise<void>((resolve) => (this.#emptied = resolve));
    for (const timer of timers) clock.clearTimer(timer);
  }

  #accept(webSocket: WebSocket, request: IncomingMessage): void {
    const { clock, limits, stats, logger } = this.#context;
    const transport = new WsTransport(webSocket, clock, limits.closeTimeoutMs);
    const { headers, url = '/', socket } = request;
    const asked = { headers, url, remoteAddress: socket.remoteAddress };
    const upgrade = takeUpgradeToken(asked, this.#context.tokens);
    const session = new Session(this.#context, transport, upgrade.request, upgrade.upgradeToken);
    const connection = { session, transport };
    this.#open.add(connection);
    stats.connected++;
    stats.connections = this.#open.size;
    transport.listen({
      frame: (data) => session.frame(data),
      alive: () => session.alive(),
      drained: () => session.drained(),
      closed: () => {
        session.closed();
        this.#remove(connection);
      },
    });
    logger.debug({ remoteAddress: socket.remoteAddress }, 'connection accepted');
    if (webSocket.protocol !== subprotocol) {
      session.close(closeCodes.unsupportedVersion, `this server speaks the subprotocol ${subprotocol}`);
    }
  }

  #remove(connection: Connection): void {
    this.#open.delete(connection);
    this.#context.stats.connections = this.#open.size;
    this.#context.logger.debug({}, 'connection closed');
    if (this.#open.size === 0) this.#emptied?.();
  }
}

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
