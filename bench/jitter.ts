/** How long a client waits before an attempt: `min(maxMs, baseMs * 2^n) * (0.5 + random)` after the nth failure, from 0. */
export interface BackoffFormula {
  readonly baseMs: number;
  readonly maxMs: number;
}

/** What happens to the crowd that loses its server. */
export interface Outage {
  readonly clients: number;
  /** From the loss, which all notice at 0, until attempts succeed. */
  readonly downMs: number;
  readonly binMs: number;
}

/** Width of the slices of time in which the theory calculates. */
const sliceMs = 5;
/** Fewer attempts than that in a slice are an error of rounding. */
const negligible = 1e-9;

/**
 * Attempts that are to be expected in each bin of time, until the last client is back. Derived from the formula alone,
 * for a server that takes everybody at once: the wait of a client is evenly spread, so each attempt spreads those that have failed
 * before evenly over the range of the next wait.
 */
export function expectedAttempts(formula: BackoffFormula, { clients, downMs, binMs }: Outage): number[] {
  const bins: number[] = [];
  let failed = [clients];
  for (let attempt = 0; failed.some((count) => count > 0); attempt++) {
    const meanMs = Math.min(formula.maxMs, formula.baseMs * 2 ** attempt);
    const arriving = spread(failed, Math.round(meanMs / 2 / sliceMs), Math.round(meanMs / sliceMs));
    arriving.forEach((count, slice) => {
      if (count === 0) return;
      const bin = Math.floor((slice * sliceMs) / binMs);
      for (let at = bins.length; at <= bin; at++) bins.push(0);
      bins[bin]! += count;
    });
    failed = arriving.map((count, slice) => (slice * sliceMs < downMs ? count : 0));
  }
  return bins;
}

/** Moves each count later by `from` to `from + width` slices, evenly. */
function spread(counts: readonly number[], from: number, width: number): number[] {
  const changes = new Float64Array(counts.length + from + width + 1);
  counts.forEach((count, slice) => {
    changes[slice + from]! += count / width;
    changes[slice + from + width]! -= count / width;
  });
  const result: number[] = [];
  let sum = 0;
  for (const change of changes.subarray(0, -1)) result.push((sum += change));
  // What rounding leaves behind is nobody's attempt.
  return result.map((count) => (count < negligible ? 0 : count));
}
