import { Alarm } from '../alarm.ts';
import type { Clock } from '../clock.ts';
import type { ServerLimits } from '../limits.ts';
import type { ReadGate } from '../read-gate.ts';
import type { LimitHits } from './limit-hits.ts';
import type { ConnectionRates } from './rates.ts';
import { TokenBucket } from './token-bucket.ts';

/** What a rate gate needs of its connection. */
export interface RateGateOwner {
  readonly clock: Clock;
  readonly limits: Pick<ServerLimits, 'floodMs'>;
  readonly rates: ConnectionRates;
  readonly limitHits: LimitHits;
  readonly gate: ReadGate;
  /** Who it is, for the log. */
  readonly who: () => object;
  /** For `floodMs` without a rest, more control envelopes have come than may. */
  readonly flooding: () => void;
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
  readonly #messages: TokenBucket;
  readonly #bytes: TokenBucket;
  readonly #controls: TokenBucket;
  readonly #alarm: Alarm;
  /** Since when control envelopes have been too many, without a rest. */
  #floodingSince: number | undefined;

  constructor(owner: RateGateOwner) {
    const { clock, rates, gate } = owner;
    const now = clock.now();
    this.#owner = owner;
    this.#messages = new TokenBucket(rates.messages, now);
    this.#bytes = new TokenBucket(rates.bytes, now);
    this.#controls = new TokenBucket(rates.controls, now);
    this.#alarm = new Alarm(clock, () => gate.release('rate'));
  }

  /** Envelopes have come, so many of them control envelopes, in so many bytes. */
  took(envelopes: number, controls: number, bytes: number): void {
    const { clock, gate } = this.#owner;
    const now = clock.now();
    const waitMs = Math.max(
      this.#waitFor('messages', this.#messages, envelopes, now),
      this.#waitFor('bytes', this.#bytes, bytes, now),
      this.#waitFor('controls', this.#controls, controls, now),
    );
    if (waitMs > 0) {
      gate.hold('rate');
      this.#alarm.set(now + waitMs);
    }
    if (controls > 0) this.#watchFlood(now);
  }

  /** Nothing more comes. */
  end(): void {
    this.#alarm.clear();
  }

  #waitFor(
    limit: 'messages' | 'bytes' | 'controls',
    bucket: TokenBucket,
    count: number,
    now: number,
  ): number {
    const waitMs = count > 0 ? bucket.take(count, now) : 0;
    if (waitMs > 0) {
      this.#owner.limitHits.hit(limit, this.#owner.who());
      if (limit === 'controls') this.#floodingSince ??= now;
    }
    return waitMs;
  }

  #watchFlood(now: number): void {
    if (this.#floodingSince === undefined) return;
    if (this.#controls.isRested(now)) {
      this.#floodingSince = undefined;
    } else if (now - this.#floodingSince >= this.#owner.limits.floodMs) {
      this.#floodingSince = now;
      this.#owner.limitHits.hit('flood', this.#owner.who());
      this.#owner.flooding();
    }
  }
}
