import { Alarm } from '../alarm.ts';
import type { ServerContext } from '../context.ts';
import type { ReadGate } from '../read-gate.ts';
import type { ConnectionRates } from './rates.ts';
import { isRested, takeTokens, waitForTokens } from './token-bucket.ts';

/** What a rate gate needs of its connection. */
export interface RateGateOwner {
  readonly context: Pick<ServerContext, 'clock' | 'dues' | 'limits' | 'limitHits' | 'gatekeeper'>;
  readonly gate: ReadGate;
  /** Who it is, for the log. */
  readonly who: object;
  /** For `floodMs` without a rest, more control envelopes have come than may. */
  flooding(): void;
}

/**
 * Bounds what one connection sends. Who sends more is not read from until the debt is paid, so that TCP itself holds
 * the peer back and nothing is lost.
 *
 * Entries and chunks, and the receipts for what was delivered, wait for acknowledgements by themselves: however much
 * of them a hub has to flush after a reconnection, more than a window of them never is under way, and sending as fast
 * as they are taken is no violation. Everything else is a **control** envelope. An app has no reason to send masses of
 * those for long, and a hub never sends them by itself: a flood of them earns strikes.
 */
export class RateGate {
  readonly #owner: RateGateOwner;
  // When each of its buckets is full, on the clock's `uptime`.
  #messages = -Infinity;
  #bytes = -Infinity;
  #controls = -Infinity;
  /** There once something has come too fast. */
  #alarm: Alarm | undefined;
  /** Since when control envelopes have been too many, without a rest. */
  #floodingSince: number | undefined;

  constructor(owner: RateGateOwner) {
    this.#owner = owner;
  }

  /** Envelopes have come, so many of them control envelopes, in so many bytes. */
  took(envelopes: number, controls: number, bytes: number): void {
    const owner = this.#owner;
    const { context } = owner;
    const { rates } = context.gatekeeper;
    const now = context.clock.uptime();
    this.#messages = takeTokens(rates.messages, this.#messages, envelopes, now);
    this.#bytes = takeTokens(rates.bytes, this.#bytes, bytes, now);
    this.#controls = takeTokens(rates.controls, this.#controls, controls, now);
    const waitMs = Math.max(
      envelopes > 0 ? this.#waitFor('messages', this.#messages, now) : 0,
      bytes > 0 ? this.#waitFor('bytes', this.#bytes, now) : 0,
      controls > 0 ? this.#waitFor('controls', this.#controls, now) : 0,
    );
    if (waitMs > 0) {
      owner.gate.hold('rate');
      this.#alarm ??= new Alarm(context.dues, () => owner.gate.release('rate'));
      this.#alarm.set(context.clock.now() + waitMs);
    }
    if (controls > 0) this.#watchFlood(now);
  }

  /** Nothing more comes. */
  end(): void {
    this.#alarm?.clear();
  }

  /** In how many milliseconds the debt is paid; 0 for none. */
  #waitFor(limit: keyof ConnectionRates, fullAt: number, now: number): number {
    const { context } = this.#owner;
    const waitMs = waitForTokens(context.gatekeeper.rates[limit], fullAt, 0, now);
    if (waitMs > 0) {
      context.limitHits.hit(limit, this.#owner.who);
      if (limit === 'controls') this.#floodingSince ??= now;
    }
    return waitMs;
  }

  #watchFlood(now: number): void {
    const owner = this.#owner;
    if (this.#floodingSince === undefined) return;
    if (isRested(owner.context.gatekeeper.rates.controls, this.#controls, now)) {
      this.#floodingSince = undefined;
    } else if (now - this.#floodingSince >= owner.context.limits.floodMs) {
      this.#floodingSince = now;
      owner.context.limitHits.hit('flood', owner.who);
      owner.flooding();
    }
  }
}
