import { timerMsMax, type Clock, type Timer } from './clock.ts';

/** One timer that is set again or cleared. Unlike a bare timer it may lie any time ahead. */
export class Alarm {
  readonly #clock: Clock;
  readonly #ring: () => void;
  #timer: Timer | undefined;

  constructor(clock: Clock, ring: () => void) {
    this.#clock = clock;
    this.#ring = ring;
  }

  /** Rings at `at` (milliseconds since the Unix epoch), and not at the time set before. */
  set(at: number): void {
    this.clear();
    const delayMs = Math.max(0, at - this.#clock.now());
    if (delayMs > timerMsMax) this.#timer = this.#clock.setTimer(() => this.set(at), timerMsMax);
    else this.#timer = this.#clock.setTimer(() => this.#fire(), delayMs);
  }

  /** Does not ring. */
  clear(): void {
    if (this.#timer === undefined) return;
    this.#clock.clearTimer(this.#timer);
    this.#timer = undefined;
  }

  #fire(): void {
    this.#timer = undefined;
    this.#ring();
  }
}
