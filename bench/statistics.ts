/** The value under which the given share (0 to 1) of all values lies. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!;
}

export const median = (values: readonly number[]): number => quantile(values, 0.5);

/** Measures both sides in turn, so that a slow moment of the machine meets both. Gives the values of each. */
export async function inTurn(
  repetitions: number,
  measure: (side: 'ours' | 'direct') => Promise<number>,
): Promise<{ readonly ours: number[]; readonly direct: number[] }> {
  const values = { ours: [] as number[], direct: [] as number[] };
  for (let index = 0; index < repetitions; index++) {
    for (const side of ['ours', 'direct'] as const) values[side].push(await measure(side));
  }
  return values;
}
