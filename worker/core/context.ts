/** What a transition may know of the world, given with every input. */
export interface Context {
  /** Wall clock, milliseconds since the Unix epoch. It jumps when the computer sleeps. */
  readonly now: number;
  /** Monotonic clock in milliseconds with fractions, for durations. */
  readonly ticks: number;
  /** A fresh random number in [0, 1). */
  readonly random: number;
}
