/** What was seen, in order, and a promise for each thing that is expected. */
export function recorder() {
  const seen: string[] = [];
  const waiting = new Map<string, () => void>();
  return {
    seen,
    note(what: string): void {
      seen.push(what);
      waiting.get(what)?.();
    },
    until: (what: string) =>
      new Promise<void>((resolve) => {
        if (seen.includes(what)) resolve();
        else waiting.set(what, resolve);
      }),
  };
}

/** Throws unless both lists are the same. */
export function equal(actual: readonly string[], expected: readonly string[]): void {
  const [got, wanted] = [actual.join(', '), expected.join(', ')];
  if (got !== wanted) throw new Error(`expected [${wanted}], got [${got}]`);
}
