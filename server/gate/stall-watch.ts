import type { Clock, Timer } from '../clock.ts';

/** What a stall watch looks at. */
export interface StallWatchOwner {
  readonly clock: Clock;
  /** Milliseconds without progress after which a peer has stalled. */
  readonly timeoutMs: number;
  /** Whether anything waits for the peer. */
  isWaiting(): boolean;
  /** Bytes of the write under way that the operating system has not taken; they shrink while the peer reads. */
  unwritten(): number;
  stalled(): void;
}

/**
 * Finds a peer that does not take what it is sent. A peer that says that it lives, and does not read, keeps memory
 * busy for nothing. There is a timer only while something waits.
 */
export class StallWatch {
  readonly #owner: StallWatchOwner;
  #timer: Timer | undefined;
  #progress = 0;
  #unwritten = 0;

  constructor(owner: StallWatchOwner) {
    this.#owner = owner;
  }

  /** Something was sent. */
  sent(): void {
    if (this.#timer === undefined && this.#owner.isWaiting()) this.#wait();
  }

  /** A write is done. */
  progressed(): void {
    this.#progress++;
  }

  /** Stops watching. */
  end(): void {
    if (this.#timer !== undefined) this.#owner.clock.clearTimer(this.#timer);
    this.#timer = undefined;
  }

  #wait(): void {
    const owner = this.#owner;
    this.#progress = 0;
    this.#unwritten = owner.unwritten();
    this.#timer = owner.clock.setTimer(() => this.#check(), owner.timeoutMs);
  }

  #check(): void {
    const owner = this.#owner;
    this.#timer = undefined;
    if (!owner.isWaiting()) return;
    // A large write over a slow network is done late, but gets smaller all the time.
    if (this.#progress > 0 || owner.unwritten() !== this.#unwritten) return this.#wait();
    owner.stalled();
  }
}
