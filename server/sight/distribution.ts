/** How often which values came, by upper bounds. */
export interface DistributionData {
  /** Upper bounds, inclusive, ascending. Values above the last are counted behind it. */
  readonly bounds: readonly number[];
  /** Values in each bucket alone; one more than there are bounds. */
  readonly counts: readonly number[];
  readonly sum: number;
}

/** Counts values in buckets. Observing allocates nothing and costs a walk over the few bounds. */
export class Distribution {
  readonly #bounds: readonly number[];
  readonly #counts: number[];
  #sum = 0;

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#counts = Array.from({ length: bounds.length + 1 }, () => 0);
  }

  observe(value: number): void {
    const bounds = this.#bounds;
    let index = 0;
    while (index < bounds.length && value > bounds[index]!) index++;
    this.#counts[index]!++;
    this.#sum += value;
  }

  /** What was observed so far. */
  data(): DistributionData {
    return { bounds: this.#bounds, counts: [...this.#counts], sum: this.#sum };
  }
}
