import type { Kernel } from '../kernel/kernel.ts';
import type { Random } from '../kernel/random.ts';

/** How a link carries bytes. */
export interface LinkQuality {
  /** Milliseconds of one way, at least, and what chance adds to them. */
  readonly delayMs: number;
  readonly jitterMs: number;
  readonly bytesPerMs: number;
}

type Frame = string | Uint8Array;

/** UTF-16 code units or bytes: near enough for a bandwidth. */
export const sizeOf = (frame: Frame): number => frame.length;

/** One direction of a connection: in order, late, and nothing that was cut in the middle arrives. */
export class Pipe {
  readonly #kernel: Kernel;
  readonly #random: Random;
  readonly #quality: LinkQuality;
  /** When the last byte leaves the sender, and when the newest frame arrives. */
  #busyUntil = 0;
  #lastAt = 0;
  #isCut = false;
  #isHeld = false;
  #isStalled = false;
  readonly #held: (() => void)[] = [];
  #heldBytes = 0;

  constructor(kernel: Kernel, random: Random, quality: LinkQuality) {
    this.#kernel = kernel;
    this.#random = random;
    this.#quality = quality;
  }

  /** Bytes that have not left the sender. While the receiver does not read, none leave. */
  get bufferedBytes(): number {
    const waitingMs = Math.max(0, this.#busyUntil - this.#kernel.now);
    return Math.round(waitingMs * this.#quality.bytesPerMs) + this.#heldBytes;
  }

  /** Lets something arrive behind all that was sent before; `sent` is told once it has left the sender. */
  push(bytes: number, arrive: () => void, sent?: () => void): void {
    if (this.#isCut) return;
    const { delayMs, jitterMs, bytesPerMs } = this.#quality;
    const { now } = this.#kernel;
    this.#busyUntil = Math.max(this.#busyUntil, now) + bytes / bytesPerMs;
    const arrivesAt = this.#busyUntil + delayMs + this.#random.next() * jitterMs;
    this.#lastAt = Math.max(this.#lastAt, arrivesAt);
    if (sent) this.#kernel.scheduleAt(this.#busyUntil, sent);
    this.#kernel.scheduleAt(this.#lastAt, () => {
      if (this.#isCut) return;
      if (!this.#isHeld && !this.#isStalled) return arrive();
      this.#heldBytes += bytes;
      this.#held.push(() => {
        this.#heldBytes -= bytes;
        arrive();
      });
    });
  }

  /** From now on nothing arrives, not even what is under way. */
  cut(): void {
    this.#isCut = true;
    this.#held.length = 0;
  }

  /** The receiver stops reading. */
  hold(): void {
    this.#isHeld = true;
  }

  /** The receiver reads on. */
  release(): void {
    this.#isHeld = false;
    this.#drain();
  }

  /** The network carries nothing for now. */
  stall(): void {
    this.#isStalled = true;
  }

  goOn(): void {
    this.#isStalled = false;
    this.#drain();
  }

  #drain(): void {
    while (!this.#isHeld && !this.#isStalled && this.#held.length > 0) this.#held.shift()!();
  }
}
