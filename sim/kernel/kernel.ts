import * as simLimits from '../limits.ts';
import { EventQueue } from './event-queue.ts';
import { Timeline } from './timeline.ts';

/** Where one simulation's time passes: events run one after the other, each with all promises that it settles. */
export class Kernel {
  readonly timeline: Timeline;
  readonly #queue = new EventQueue();
  /** Milliseconds since the simulation began. */
  now = 0;
  /** When something last began, stopped, went on or ended. */
  changedAt = 0;
  /** When something last ended. */
  diedAt = -Infinity;
  /** Events that have run. */
  events = 0;
  /** Why the simulation cannot go on; null while it can. */
  failure: unknown = null;

  constructor(timelineLines: number = simLimits.timelineLines) {
    this.timeline = new Timeline(() => this.now, timelineLines);
  }

  /** Runs `run` once after `delayMs`. Returns a function that prevents it. */
  schedule(delayMs: number, run: () => void): () => void {
    return this.scheduleAt(this.now + Math.max(0, delayMs), run);
  }

  /** Runs `run` at a moment: what is for the same runs in the order of scheduling, which rounding would break for delays. */
  scheduleAt(atMs: number, run: () => void): () => void {
    const event = this.#queue.push(atMs, run);
    return () => (event.run = null);
  }

  /** Runs something, and ends the simulation if it throws. */
  guarded(run: () => void): void {
    try {
      run();
    } catch (error) {
      this.failure ??= error;
    }
  }

  /** Lets time pass up to a moment. Stops early once `isDone` says so, or when something threw. */
  run(endMs: number, isDone: () => boolean = () => false): Promise<void> {
    return new Promise((resolve) => {
      let isOver = false;
      const step = () => {
        if (isOver) return;
        const event = this.failure === null && !isDone() ? this.#queue.take(endMs) : undefined;
        if (!event) {
          isOver = true;
          if (this.failure === null && !isDone()) this.now = Math.max(this.now, endMs);
          return resolve();
        }
        this.now = Math.max(this.now, event.at);
        this.events += 1;
        this.guarded(event.run!);
      };
      // Node drains all microtasks between two immediates; many of them per turn of its loop cost 0.25 µs each, one costs 2.3 µs.
      const burst = () => {
        for (let count = 0; count < simLimits.eventsPerTurn; count += 1) setImmediate(step);
        setImmediate(() => isOver || burst());
      };
      burst();
    });
  }
}
