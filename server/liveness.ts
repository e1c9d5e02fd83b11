import type { Due, DueQueue } from './due-queue.ts';

/** What liveness watches over. */
export interface LivenessOwner {
  readonly context: {
    readonly dues: DueQueue;
    /** Milliseconds of silence before a ping. */
    readonly heartbeatMs: number;
    readonly limits: {
      /** Milliseconds that the answer may take. */
      readonly heartbeatTimeoutMs: number;
    };
  };
  /** Whether the server itself does not read, so that silence says nothing. */
  isDeaf(): boolean;
  ping(): void;
  dead(): void;
}

/**
 * Pings a silent peer, and finds it dead when that does not break the silence. Hearing something costs a
 * read of the clock and no timer.
 */
export class Liveness implements Due {
  readonly #owner: LivenessOwner;
  dueAt = 0;
  place = -1;
  #heardAt: number;
  #pingedAt: number | undefined;

  constructor(owner: LivenessOwner) {
    this.#owner = owner;
    const { dues, heartbeatMs } = owner.context;
    this.#heardAt = dues.clock.uptime();
    dues.set(this, heartbeatMs);
  }

  /** The peer has shown a sign of life. */
  heard(): void {
    this.#heardAt = this.#owner.context.dues.clock.uptime();
    this.#pingedAt = undefined;
  }

  /** Stops watching. */
  end(): void {
    this.#owner.context.dues.clear(this);
  }

  due(): void {
    const owner = this.#owner;
    const { dues, heartbeatMs, limits } = owner.context;
    const { heartbeatTimeoutMs: timeoutMs } = limits;
    const now = dues.clock.uptime();
    if (owner.isDeaf()) this.heard();
    if (this.#pingedAt !== undefined && now - this.#pingedAt >= timeoutMs) return owner.dead();
    const silentMs = now - this.#heardAt;
    if (this.#pingedAt === undefined && silentMs >= heartbeatMs) {
      this.#pingedAt = now;
      owner.ping();
    }
    if (this.#pingedAt === undefined) return dues.set(this, heartbeatMs - silentMs);
    // An answer sets no timer: where a ping may wait longer than silence may last, this looks in between.
    dues.set(this, Math.min(heartbeatMs, this.#pingedAt + timeoutMs - now));
  }
}
