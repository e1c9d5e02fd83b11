import * as closeCodes from '../../src/protocol/close-codes.ts';
import type { Timer } from '../clock.ts';
import type { ServerContext } from '../context.ts';
import * as serverLimits from '../limits.ts';
import type { Session } from '../session.ts';

/** Sends connections away while the app finds the server overloaded, few at a time, so that it can see what that helps. */
export class Shedder {
  readonly #context: ServerContext;
  readonly #newestFirst: () => Iterable<{ readonly session: Session }>;
  #timer: Timer | undefined;
  #isOverloaded = false;

  constructor(context: ServerContext, newestFirst: () => Iterable<{ readonly session: Session }>) {
    this.#context = context;
    this.#newestFirst = newestFirst;
  }

  /** What the app said last. */
  get isOverloaded(): boolean {
    return this.#isOverloaded;
  }

  /** There are connections: asks, from now on. */
  watch(): void {
    if (!this.#context.overloaded || this.#timer !== undefined) return;
    this.#timer = this.#context.clock.setTimer(() => this.#check(), serverLimits.overloadCheckMs);
  }

  /** Asks no more, until there are connections again. */
  end(): void {
    if (this.#timer !== undefined) this.#context.clock.clearTimer(this.#timer);
    this.#timer = undefined;
    this.#isOverloaded = false;
  }

  #check(): void {
    this.#timer = undefined;
    this.watch();
    this.#isOverloaded = this.#ask();
    if (!this.#isOverloaded) return;
    const { stats, limits, limitHits } = this.#context;
    const count = Math.ceil(stats.connections * serverLimits.overloadShare);
    limitHits.hit('overload', { connections: stats.connections, sentAway: count });
    let left = count;
    for (const { session } of this.#newestFirst()) {
      if (left-- === 0) return;
      const spreadMs = limits.reconnectSpreadMs;
      const retryAfterMs = Math.round(serverLimits.retryAfterS * 1000 + Math.random() * spreadMs);
      session.goAway('the server is overloaded', retryAfterMs, { code: closeCodes.tryAgainLater });
    }
  }

  #ask(): boolean {
    try {
      return this.#context.overloaded?.() === true;
    } catch (reason) {
      this.#context.logger.error({ err: reason }, 'overloaded failed');
      return false;
    }
  }
}
