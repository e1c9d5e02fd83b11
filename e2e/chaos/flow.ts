import type { FaultLog } from './fault-log.ts';
import * as chaosLimits from './limits.ts';
import type { Recorder } from './recorder.ts';

/** Watches that entries are stored and acknowledged whenever no fault is in the way. */
export class Flow {
  readonly #recorder: Recorder;
  readonly #log: FaultLog;
  #checkedAt: number;
  readonly #storing = { count: 0, idleMs: 0 };
  readonly #acknowledging = { count: 0, idleMs: 0 };
  /** The longest time without progress, faults not counted. */
  idleMsMax = 0;

  constructor(recorder: Recorder, log: FaultLog, now: number) {
    this.#recorder = recorder;
    this.#log = log;
    this.#checkedAt = now;
  }

  /** What has come to a stop, or null. To be called every now and then. */
  check(now: number): string | null {
    const passedMs = now - this.#checkedAt;
    this.#checkedAt = now;
    const { stored, storedInMemory, acked, left } = this.#recorder;
    const storing = this.#log.isActive('browser') ? 0 : passedMs;
    const acknowledging = this.#log.isActive('browser', 'network') ? 0 : passedMs;
    return (
      this.#advance('stored', this.#storing, stored + storedInMemory, storing) ??
      this.#advance('acknowledged', this.#acknowledging, acked + left, acknowledging)
    );
  }

  #advance(
    what: string,
    gauge: { count: number; idleMs: number },
    count: number,
    passedMs: number,
  ): string | null {
    gauge.idleMs = count > gauge.count ? 0 : gauge.idleMs + passedMs;
    gauge.count = count;
    this.idleMsMax = Math.max(this.idleMsMax, gauge.idleMs);
    if (gauge.idleMs < chaosLimits.idleMsMax) return null;
    return `nothing was ${what} for ${Math.round(gauge.idleMs)} ms without a fault in the way`;
  }
}
