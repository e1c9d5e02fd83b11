import type { Measures } from './sight/measures.ts';

const pingPayload = Buffer.from('rtt');

/** How long answers to the pings of one connection take. */
export class RoundTrip {
  readonly #measures: Measures;
  /** When the last ping went out, on the clock of `performance`; undefined once its pong has come. */
  #pingedAt: number | undefined;
  /** Milliseconds that the last answer took; undefined before there was one. */
  ms: number | undefined;

  constructor(measures: Measures) {
    this.#measures = measures;
  }

  /** A ping goes out now. Returns its payload. */
  begin(): Buffer {
    this.#pingedAt = performance.now();
    return pingPayload;
  }

  /** A pong has come. One that nobody asked for has another payload, and measures nothing. */
  end(payload: Buffer): void {
    if (this.#pingedAt === undefined || !payload.equals(pingPayload)) return;
    this.ms = performance.now() - this.#pingedAt;
    this.#measures.roundTrip.observe(this.ms / 1000);
    this.#pingedAt = undefined;
  }
}
