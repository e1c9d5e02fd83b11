/** The value under which the given share (0 to 1) of all values lies. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!;
}

export const median = (values: readonly number[]): number => quantile(values, 0.5);

/** Measures all sides in turn, so that a slow moment of the machine meets each. Gives the values of each. */
export async function inTurn<S extends string, T>(
  repetitions: number,
  sides: readonly S[],
  measure: (side: S) => Promise<T>,
): Promise<Record<S, T[]>> {
  const values = Object.fromEntries(sides.map((side) => [side, [] as T[]])) as Record<S, T[]>;
  for (let index = 0; index < repetitions; index++) {
    for (const side of sides) values[side].push(await measure(side));
  }
  return values;
}

/** Random numbers in [0, 1) that are the same for the same seed (mulberry32). */
export function pseudoRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
