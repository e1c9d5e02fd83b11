import type { Clock } from '../clock.ts';
import type { ConnectionStage, Measures } from './measures.ts';

/** A connection that comes into being. */
export interface Staged {
  /** When it was accepted, on the clock's `uptime`. */
  readonly acceptedAt: number;
  /** The stages that it has reached, one bit for each. Belongs to {@link Stages}. */
  stages: number;
}

/** How far connections have come, and how long that took. Each stage of a connection counts once. */
export class Stages {
  readonly #clock: Clock;
  readonly #measures: Measures;

  constructor(clock: Clock, measures: Measures) {
    this.#clock = clock;
    this.#measures = measures;
  }

  /** The connection is there now. */
  reached(connection: Staged, stage: ConnectionStage): void {
    const bit = bits[stage];
    if ((connection.stages & bit) !== 0) return;
    connection.stages |= bit;
    this.#measures.reached(stage, this.#clock.uptime() - connection.acceptedAt);
  }
}

const bits: Readonly<Record<ConnectionStage, number>> = { welcome: 1, subscribed: 2, first_message: 4 };
