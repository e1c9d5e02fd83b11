import type { ServerStats } from './stats.ts';
import type { Transport } from './transport.ts';

/** Why reading from a connection pauses. */
export type PauseReason = 'publishes' | 'subscriptions' | 'rate' | 'output';

/** Pauses reading while there is any reason to, so that a fast peer is held back by TCP itself. */
export class ReadGate {
  readonly #transport: Transport;
  readonly #stats: ServerStats;
  readonly #reasons = new Set<PauseReason>();

  constructor(transport: Transport, stats: ServerStats) {
    this.#transport = transport;
    this.#stats = stats;
  }

  /** Whether reading pauses for the server's own sake, so that silence says nothing about the peer. */
  get isServerBusy(): boolean {
    return this.#reasons.has('publishes') || this.#reasons.has('subscriptions') || this.#reasons.has('rate');
  }

  /** Whether reading pauses because the peer does not take its answers. */
  get isPeerBehind(): boolean {
    return this.#reasons.has('output');
  }

  hold(reason: PauseReason): void {
    if (this.#reasons.has(reason)) return;
    this.#reasons.add(reason);
    if (this.#reasons.size > 1) return;
    this.#stats.pauses++;
    this.#transport.pause();
  }

  release(reason: PauseReason): void {
    if (this.#reasons.delete(reason) && this.#reasons.size === 0) this.#transport.resume();
  }
}
