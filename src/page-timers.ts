/** A timer of the page that can be taken back. */
export const pageTimers = {
  after(delayMs: number, run: () => void): () => void {
    const timer = setTimeout(run, delayMs);
    return () => clearTimeout(timer);
  },
};
