import * as closeCodes from '../../src/protocol/close-codes.ts';
import type { ClientEnvelope } from '../../src/protocol/schema.ts';
import type { ServerContext } from '../context.ts';
import type { ReadGate } from '../read-gate.ts';
import type { PeerRequest } from '../transport.ts';
import { RateGate, type RateGateOwner } from './rate-gate.ts';
import { floodPoints, pointsOf } from './strikes.ts';

/** What the conduct of a connection is judged by. */
export interface ConductOwner {
  readonly context: ServerContext;
  readonly gate: ReadGate;
  readonly peer: PeerRequest;
  /** Closes without blame: the points are given here. */
  dismiss(code: number, reason: string): void;
}

/** How one connection behaves: its seat, its rates and its violations. */
export class Conduct implements RateGateOwner {
  readonly #owner: ConductOwner;
  readonly #rates: RateGate;
  /** The identity that has a seat. */
  #identity: string | undefined;

  constructor(owner: ConductOwner) {
    this.#owner = owner;
    this.#rates = new RateGate(this);
  }

  /** A frame has come. */
  took(envelopes: readonly ClientEnvelope[], bytes: number): void {
    this.#rates.took(envelopes.length, envelopes.filter(isControl).length, bytes);
  }

  /** A ping or pong of the WebSocket protocol has come. */
  tookControlFrame(bytes: number): void {
    this.#rates.took(1, 1, bytes);
  }

  /** Gives the identity of a client a seat; false where it gets none, and the connection is closed. */
  seat(identity: string, key: string): boolean {
    const owner = this.#owner;
    const { context } = owner;
    const replaces = context.sessions.has(key);
    const refusal = context.gatekeeper.takeSeat(identity, replaces);
    switch (refusal?.kind) {
      case undefined:
        this.#identity = identity;
        return true;
      case 'banned':
        owner.dismiss(banCode(refusal.ban.by), `banned: ${refusal.ban.reason}`);
        return false;
      case 'full':
        owner.dismiss(closeCodes.tryAgainLater, 'too many connections of this identity');
        return false;
      default:
        return refusal satisfies never;
    }
  }

  /** The connection is closed with this code, by us or by the WebSocket itself. */
  closedWith(code: number, reason: string): void {
    const points = pointsOf(code);
    if (points > 0) this.#strike(points, reason);
  }

  /** The connection is over. */
  end(): void {
    this.#rates.end();
    if (this.#identity !== undefined) this.#owner.context.gatekeeper.leaveSeat(this.#identity);
    this.#identity = undefined;
  }

  /** The identity that has a seat: that of a connection which is being opened, too. */
  get identity(): string | undefined {
    return this.#identity;
  }

  get context(): ServerContext {
    return this.#owner.context;
  }

  get gate(): ReadGate {
    return this.#owner.gate;
  }

  /** Who it is, for the log. */
  get who(): object {
    const { remoteAddress } = this.#owner.peer;
    return { address: remoteAddress, identity: this.#identity };
  }

  #strike(points: number, reason: string): boolean {
    const { context, peer } = this.#owner;
    const whom = { address: peer.addressKey, identity: this.#identity };
    return context.gatekeeper.strike(whom, points, reason);
  }

  /** For long, more control envelopes have come than may. */
  flooding(): void {
    const reason = 'a flood of control envelopes';
    // Where it is one strike too many, the points are given already: this close gives none.
    if (this.#strike(floodPoints, reason)) this.#owner.dismiss(closeCodes.limitExceeded, reason);
  }
}

/** A hub stops on a ban by somebody's decision, and comes back later after one for violations. */
export const banCode = (by: 'strikes' | 'admin'): number =>
  by === 'admin' ? closeCodes.forbidden : closeCodes.limitExceeded;

/** What a hub does not send in masses by itself, and what no window bounds. */
function isControl({ type }: ClientEnvelope): boolean {
  switch (type) {
    case 'publish':
    case 'received':
    case 'offer':
    case 'chunk':
    case 'abandon':
    case 'chunk-ack':
      return false;
    case 'hello':
    case 'auth':
    case 'subscribe':
    case 'unsubscribe':
    case 'watch':
    case 'unwatch':
    case 'signal':
    case 'request':
    case 'cancel':
    case 'ping':
    case 'pong':
      return true;
    default:
      return type satisfies never;
  }
}
