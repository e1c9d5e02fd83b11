import type { ServerContext } from '../context.ts';
import type { ConnectionStage } from './measures.ts';

/** How far one connection has come, and how long that took. Each stage counts once. */
export class Stages {
  readonly #context: Pick<ServerContext, 'clock' | 'measures'>;
  readonly #acceptedAt: number;
  /** One bit for each stage, for there is one of these for each connection. */
  #reached = 0;

  constructor(context: Pick<ServerContext, 'clock' | 'measures'>) {
    this.#context = context;
    this.#acceptedAt = context.clock.uptime();
  }

  /** The connection is there now. */
  reached(stage: ConnectionStage): void {
    const bit = bits[stage];
    if ((this.#reached & bit) !== 0) return;
    this.#reached |= bit;
    const { clock, measures } = this.#context;
    measures.reached(stage, clock.uptime() - this.#acceptedAt);
  }
}

const bits: Readonly<Record<ConnectionStage, number>> = { welcome: 1, subscribed: 2, first_message: 4 };
