/** A promise of the library that was not kept. */
class Violation extends Error {
  override readonly name = 'Violation';
  readonly rule: string;

  constructor(rule: string, text: string) {
    super(`${rule}: ${text}`);
    this.rule = rule;
  }
}

/** Throws a violation of `rule` unless it holds. */
export function must(isKept: boolean, rule: string, text: () => string): void {
  if (!isKept) throw new Violation(rule, text());
}
