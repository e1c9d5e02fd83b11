import type { Clock, Timer } from './clock.ts';

/** What liveness watches over. */
export interface LivenessOwner {
  readonly clock: Clock;
  /** Milliseconds of silence before a ping. */
  readonly heartbeatMs: number;
  /** Milliseconds that the answer may take. */
  readonly timeoutMs: number;
  /** Whether the server itself does not read, so that silence says nothing. */
  isDeaf(): boolean;
  ping(): void;
  dead(): void;
}

/**
 * Pings a silent peer, and finds it dead when that does not break the silence. Hearing something costs a
 * read of the clock and no timer.
 */
export class Liveness {
  readonly #owner: LivenessOwner;
  #timer: Timer | undefined;
  #heardAt: number;
  #pingedAt: number | undefined;

  constructor(owner: LivenessOwner) {
    this.#owner = owner;
    this.#heardAt = owner.clock.now();
    this.#wait(owner.heartbeatMs);
  }

  /** The peer has shown a sign of life. */
  heard(): void {
    this.#heardAt = this.#owner.clock.now();
    this.#pingedAt = undefined;
  }

  /** Stops watching. */
  end(): void {
    if (this.#timer !== undefined) this.#owner.clock.clearTimer(this.#timer);
    this.#timer = undefined;
  }

  #wait(delayMs: number): void {
    this.#timer = this.#owner.clock.setTimer(() => this.#check(), delayMs);
  }

  #check(): void {
    const owner = this.#owner;
    const { clock, heartbeatMs, timeoutMs } = owner;
    const now = clock.now();
    if (owner.isDeaf()) this.heard();
    if (this.#pingedAt !== undefined && now - this.#pingedAt >= timeoutMs) {
      this.#timer = undefined;
      return owner.dead();
    }
    const silentMs = now - this.#heardAt;
    if (this.#pingedAt === undefined && silentMs >= heartbeatMs) {
      this.#pingedAt = now;
      owner.ping();
    }
    if (this.#pingedAt === undefined) return this.#wait(heartbeatMs - silentMs);
    // An answer sets no timer: where a ping may wait longer than silence may last, this looks in between.
    this.#wait(Math.min(heartbeatMs, this.#pingedAt + timeoutMs - now));
  }
}
