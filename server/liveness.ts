import type { Due, DueQueue } from './due-queue.ts';

/** What liveness goes by. */
interface LivenessContext {
  readonly dues: DueQueue;
  /** Milliseconds of silence before a ping. */
  readonly heartbeatMs: number;
  readonly limits: {
    /** Milliseconds that the answer may take. */
    readonly heartbeatTimeoutMs: number;
  };
}

/**
 * Pings a silent peer, and finds it dead when that does not break the silence. Hearing something costs a read of the clock
 * and no timer. A session is made on this, for each has one: as an object of its own it would be 40 bytes more.
 */
export abstract class Liveness implements Due {
  dueAt = 0;
  place = -1;
  #heardAt = 0;
  #pingedAt: number | undefined;

  abstract readonly context: LivenessContext;
  /** Whether the server itself does not read, so that silence says nothing. */
  protected abstract isDeaf(): boolean;
  protected abstract ping(): void;
  protected abstract dead(): void;

  /** Begins to watch. */
  protected watch(): void {
    this.heard();
    this.context.dues.set(this, this.context.heartbeatMs);
  }

  /** The peer has shown a sign of life. */
  protected heard(): void {
    this.#heardAt = this.context.dues.clock.uptime();
    this.#pingedAt = undefined;
  }

  /** Stops watching. */
  protected unwatch(): void {
    this.context.dues.clear(this);
  }

  due(): void {
    const { dues, heartbeatMs, limits } = this.context;
    const { heartbeatTimeoutMs: timeoutMs } = limits;
    const now = dues.clock.uptime();
    if (this.isDeaf()) this.heard();
    if (this.#pingedAt !== undefined && now - this.#pingedAt >= timeoutMs) return this.dead();
    const silentMs = now - this.#heardAt;
    if (this.#pingedAt === undefined && silentMs >= heartbeatMs) {
      this.#pingedAt = now;
      this.ping();
    }
    if (this.#pingedAt === undefined) return dues.set(this, heartbeatMs - silentMs);
    // An answer sets no timer: where a ping may wait longer than silence may last, this looks in between.
    dues.set(this, Math.min(heartbeatMs, this.#pingedAt + timeoutMs - now));
  }
}
