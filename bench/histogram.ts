/** How many of the times, which are 0 or more, lie in each bin. */
export function binned(times: readonly number[], binMs: number): number[] {
  const bins: number[] = [];
  for (const time of times) {
    const bin = Math.floor(time / binMs);
    while (bins.length <= bin) bins.push(0);
    bins[bin]! += 1;
  }
  return bins;
}

/** The most that lies in any `width` bins in a row. */
export function peak(bins: readonly number[], width: number): number {
  let most = 0;
  let sum = 0;
  bins.forEach((count, bin) => {
    sum += count - (bins[bin - width] ?? 0);
    most = Math.max(most, sum);
  });
  return most;
}

/** The bins joined, `width` at a time. */
export const joined = (bins: readonly number[], width: number): number[] =>
  Array.from({ length: Math.ceil(bins.length / width) }, (_, n) =>
    bins.slice(n * width, (n + 1) * width).reduce((sum, count) => sum + count, 0),
  );

const barLength = 40;

/** A table with a line for each bin: its beginning, the count of each series, and a bar for the last series. */
export function histogram(series: Readonly<Record<string, readonly number[]>>, binMs: number): string[] {
  const names = Object.keys(series);
  const values = Object.values(series);
  const scale = Math.max(1, ...values.at(-1)!);
  const line = (cells: readonly string[]) => cells.map((cell) => cell.padStart(10)).join('');
  const rows = Array.from({ length: Math.max(...values.map((bins) => bins.length)) }, (_, bin) => {
    const counts = values.map((bins) => Math.round(bins[bin] ?? 0));
    const bar = '#'.repeat(Math.round((counts.at(-1)! / scale) * barLength));
    return `${line([`${((bin * binMs) / 1000).toFixed(1)} s`, ...counts.map(String)])}  ${bar}`.trimEnd();
  });
  return [line(['', ...names]), ...rows];
}
