import type { Connections } from './connections.ts';
import type { ServerContext } from './context.ts';

/** Empties a server: nobody comes in, and who is there is asked to leave. */
export class Drain {
  readonly #context: ServerContext;
  readonly #connections: Connections;
  #drained: Promise<void> | undefined;

  constructor(context: ServerContext, connections: Connections) {
    this.#context = context;
    this.#connections = connections;
  }

  /**
   * Drains within `withinMs` milliseconds. Called again it is the same drain, which is over in the shorter of the two
   * times.
   */
  within(withinMs: number): Promise<void> {
    const { gatekeeper, limits, logger } = this.#context;
    // The last part of the time is for the closes themselves.
    const forceAfterMs = Math.max(1, withinMs - Math.min(limits.closeTimeoutMs, withinMs / 2));
    if (this.#drained) {
      void this.#connections.hurry(forceAfterMs, withinMs);
      return this.#drained;
    }
    if (gatekeeper.doors === 'open') gatekeeper.doors = 'draining';
    logger.info({ withinMs, connections: this.#connections.size }, 'server drains');
    this.#drained = this.#run(withinMs, forceAfterMs);
    return this.#drained;
  }

  async #run(withinMs: number, forceAfterMs: number): Promise<void> {
    // Who comes back over the whole time meets the next server as one of few.
    const retryAfterMs = () => Math.round(Math.random() * withinMs);
    await this.#connections.end({ withinMs, forceAfterMs, retryAfterMs, afterRequests: true });
    this.#context.logger.info({}, 'server drained');
  }
}
