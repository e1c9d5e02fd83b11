import { Alarm } from '../alarm.ts';
import type { ServerContext } from '../context.ts';
import type { ReadGate } from '../read-gate.ts';
import type { ConnectionRates } from './rates.ts';
import { isRested, takeTokens, waitForTokens } from './token-bucket.ts';

type RateContext = Pick<ServerContext, 'clock' | 'dues' | 'limits' | 'limitHits' | 'gatekeeper'>;

/**
 * Bounds what one connection sends. Who sends more is not read from until the debt is paid, so that TCP itself holds
 * the peer back and nothing is lost.
 *
 * Entries and chunks, and the receipts for what was delivered, wait for acknowledgements by themselves: however much
 * of them a hub has to flush after a reconnection, more than a window of them never is under way, and sending as fast
 * as they are taken is no violation. Everything else is a **control** envelope. An app has no reason to send masses of
 * those for long, and a hub never sends them by itself: a flood of them earns strikes.
 */
export abstract class RateGate {
  /** When something came last, on the clock's `uptime`. */
  #at = 0;
  // In how many microseconds each of its buckets was full then. A fraction would be an object of its own for V8, of 16 bytes.
  #messages = 0;
  #bytes = 0;
  #controls = 0;
  /** There once something has come too fast. */
  #alarm: Alarm | undefined;
  /** Since when control envelopes have been too many, without a rest. */
  #floodingSince: number | undefined;

  protected abstract readonly context: RateContext;
  protected abstract readonly gate: ReadGate;
  /** Who it is, for the log. */
  abstract readonly who: object;
  /** For `floodMs` without a rest, more control envelopes have come than may. */
  protected abstract flooding(): void;

  /** Envelopes have come, so many of them control envelopes, in so many bytes. */
  protected took(envelopes: number, controls: number, bytes: number): void {
    const { context } = this;
    const { rates } = context.gatekeeper;
    const now = context.clock.uptime();
    const messagesFullAt = takeTokens(rates.messages, this.#fullAt(this.#messages), envelopes, now);
    const bytesFullAt = takeTokens(rates.bytes, this.#fullAt(this.#bytes), bytes, now);
    const controlsFullAt = takeTokens(rates.controls, this.#fullAt(this.#controls), controls, now);
    this.#at = now;
    this.#messages = microseconds(messagesFullAt - now);
    this.#bytes = microseconds(bytesFullAt - now);
    this.#controls = microseconds(controlsFullAt - now);
    const waitMs = Math.max(
      envelopes > 0 ? this.#waitFor('messages', messagesFullAt, now) : 0,
      bytes > 0 ? this.#waitFor('bytes', bytesFullAt, now) : 0,
      controls > 0 ? this.#waitFor('controls', controlsFullAt, now) : 0,
    );
    if (waitMs > 0) {
      this.gate.hold('rate');
      this.#alarm ??= new Alarm(context.dues, () => this.gate.release('rate'));
      this.#alarm.set(context.clock.now() + waitMs);
    }
    if (controls > 0) this.#watchFlood(controlsFullAt, now);
  }

  /** Nothing more comes. */
  end(): void {
    this.#alarm?.clear();
  }

  #fullAt(microseconds: number): number {
    return this.#at + microseconds / 1000;
  }

  /** In how many milliseconds the debt is paid; 0 for none. */
  #waitFor(limit: keyof ConnectionRates, fullAt: number, now: number): number {
    const { context } = this;
    const waitMs = waitForTokens(context.gatekeeper.rates[limit], fullAt, 0, now);
    if (waitMs > 0) {
      context.limitHits.hit(limit, this.who);
      if (limit === 'controls') this.#floodingSince ??= now;
    }
    return waitMs;
  }

  #watchFlood(controlsFullAt: number, now: number): void {
    const { context } = this;
    if (this.#floodingSince === undefined) return;
    if (isRested(context.gatekeeper.rates.controls, controlsFullAt, now)) {
      this.#floodingSince = undefined;
    } else if (now - this.#floodingSince >= context.limits.floodMs) {
      this.#floodingSince = now;
      context.limitHits.hit('flood', this.who);
      this.flooding();
    }
  }
}

/** Rounded up, so that nothing is too little to count, but for what the arithmetic itself is off by. */
const microseconds = (ms: number): number => Math.ceil(ms * 1000 - 1e-3);
