import * as closeCodes from '../../src/protocol/close-codes.ts';
import type { ClientEnvelope } from '../../src/protocol/schema.ts';
import type { ServerContext } from '../context.ts';
import type { ReadGate } from '../read-gate.ts';
import { addressKey } from './address.ts';
import { RateGate } from './rate-gate.ts';
import { floodPoints, pointsOf } from './strikes.ts';

/** What the conduct of a connection is judged by. */
export interface ConductOwner {
  readonly context: ServerContext;
  readonly gate: ReadGate;
  readonly address: string | undefined;
  /** Closes without blame: the points are given here. */
  dismiss(code: number, reason: string): void;
}

/** How one connection behaves: its seat and its violations, besides its rates. */
export class Conduct extends RateGate {
  readonly #owner: ConductOwner;
  /** The identity that has a seat. */
  #identity: string | undefined;

  constructor(owner: ConductOwner) {
    super();
    this.#owner = owner;
  }

  /** A frame has come. */
  tookFrame(envelopes: readonly ClientEnvelope[], bytes: number): void {
    this.took(envelopes.length, envelopes.filter(isControl).length, bytes);
  }

  /** A ping or pong of the WebSocket protocol has come. */
  tookControlFrame(bytes: number): void {
    this.took(1, 1, bytes);
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
    if (points > 0) strike(this.#owner, this.#identity, points, reason);
  }

  /** The connection is over. */
  override end(): void {
    super.end();
    if (this.#identity !== undefined) this.#owner.context.gatekeeper.leaveSeat(this.#identity);
    this.#identity = undefined;
  }

  /** The identity that has a seat: that of a connection which is being opened, too. */
  get identity(): string | undefined {
    return this.#identity;
  }

  protected get context(): ServerContext {
    return this.#owner.context;
  }

  protected get gate(): ReadGate {
    return this.#owner.gate;
  }

  /** Who it is, for the log. */
  get who(): object {
    return { address: this.#owner.address, identity: this.#identity };
  }

  /** For long, more control envelopes have come than may. */
  protected flooding(): void {
    const reason = 'a flood of control envelopes';
    // Where it is one strike too many, the points are given already: this close gives none.
    if (strike(this.#owner, this.#identity, floodPoints, reason))
      this.#owner.dismiss(closeCodes.limitExceeded, reason);
  }
}

/** Counts a violation. True where that has led to a ban. */
function strike(
  { context, address }: ConductOwner,
  identity: string | undefined,
  points: number,
  reason: string,
): boolean {
  return context.gatekeeper.strike({ address: addressKey(address), identity }, points, reason);
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
