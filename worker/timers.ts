/** The platform's timers, for delays that a timer can wait. */
export const timers = {
  /** Calls `run` once after `delayMs`. Returns a function that prevents it. */
  after(delayMs: number, run: () => void): () => void {
    const timer = setTimeout(run, delayMs);
    return () => clearTimeout(timer);
  },
};
