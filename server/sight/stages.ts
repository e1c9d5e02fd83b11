import type { Clock } from '../clock.ts';
import type { ConnectionStage, Measures } from './measures.ts';

/** How far one connection has come, and how long that took. Each stage counts once. */
export class Stages {
  readonly #clock: Clock;
  readonly #measures: Measures;
  readonly #acceptedAt: number;
  /** One bit for each stage, for there is one of these for each connection. */
  #reached = 0;

  constructor(clock: Clock, measures: Measures) {
    this.#clock = clock;
    this.#measures = measures;
    this.#acceptedAt = clock.now();
  }

  /** The connection is there now. */
  reached(stage: ConnectionStage): void {
    const bit = bits[stage];
    if ((this.#reached & bit) !== 0) return;
    this.#reached |= bit;
    this.#measures.reached(stage, Math.max(0, this.#clock.now() - this.#acceptedAt));
  }
}

const bits: Readonly<Record<ConnectionStage, number>> = { welcome: 1, subscribed: 2, first_message: 4 };
