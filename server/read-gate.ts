import type { ServerStats } from './stats.ts';
import type { Transport } from './transport.ts';

/** Why reading from a connection pauses. */
export type PauseReason = 'publishes' | 'subscriptions' | 'rate' | 'output';

/** Pauses reading while there is any reason to, so that a fast peer is held back by TCP itself. */
export class ReadGate {
  readonly #transport: Transport;
  readonly #stats: ServerStats;
  /** One bit for each, for there is one of these for each connection. */
  #reasons = 0;

  constructor(transport: Transport, stats: ServerStats) {
    this.#transport = transport;
    this.#stats = stats;
  }

  /** Whether reading pauses for the server's own sake, so that silence says nothing about the peer. */
  get isServerBusy(): boolean {
    return (this.#reasons & ~bits.output) !== 0;
  }

  /** Whether reading pauses because the peer does not take its answers. */
  get isPeerBehind(): boolean {
    return (this.#reasons & bits.output) !== 0;
  }

  hold(reason: PauseReason): void {
    const before = this.#reasons;
    this.#reasons |= bits[reason];
    if (before !== 0) return;
    this.#stats.pauses++;
    this.#transport.pause();
  }

  release(reason: PauseReason): void {
    if ((this.#reasons & bits[reason]) === 0) return;
    this.#reasons &= ~bits[reason];
    if (this.#reasons === 0) this.#transport.resume();
  }
}

const bits: Readonly<Record<PauseReason, number>> = { publishes: 1, subscriptions: 2, rate: 4, output: 8 };
