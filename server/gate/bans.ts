/** Whom a ban concerns: clients of one address (or /64), or one identity. */
export interface BanTarget {
  readonly kind: 'address' | 'identity';
  /** An address as `addressKey` writes it, or an identity. */
  readonly value: string;
}

/** Keeps somebody out for a time. Bans are in memory, and end with the process unless the option `bans` keeps them. */
export interface Ban extends BanTarget {
  /** When it ends, in milliseconds since the Unix epoch. */
  readonly until: number;
  readonly reason: string;
  /** `strikes`: too many violations. `admin`: somebody decided so. */
  readonly by: 'strikes' | 'admin';
}

/** Who is banned. Time is an input. */
export class Bans {
  readonly #max: number;
  readonly #bans = new Map<string, Ban>();

  /** @param max - Above it, the ban that ends first is lifted. */
  constructor(max: number) {
    this.#max = max;
  }

  get size(): number {
    return this.#bans.size;
  }

  /** The ban of an address or identity, while it lasts. */
  find(target: BanTarget, now: number): Ban | undefined {
    const ban = this.#bans.get(keyOf(target));
    if (ban === undefined || ban.until > now) return ban;
    this.#bans.delete(keyOf(target));
    return undefined;
  }

  /** Bans, in place of an earlier ban of the same target. */
  add(ban: Ban, now: number): void {
    this.#bans.set(keyOf(ban), ban);
    if (this.#bans.size <= this.#max) return;
    this.#expire(now);
    if (this.#bans.size <= this.#max) return;
    const first = [...this.#bans.values()].reduce((a, b) => (b.until < a.until ? b : a));
    this.#bans.delete(keyOf(first));
  }

  /** Lifts a ban; false where there is none. */
  lift(target: BanTarget): boolean {
    return this.#bans.delete(keyOf(target));
  }

  /** All bans that last, the oldest first. */
  list(now: number): Ban[] {
    this.#expire(now);
    return [...this.#bans.values()];
  }

  #expire(now: number): void {
    for (const [key, { until }] of this.#bans) if (until <= now) this.#bans.delete(key);
  }
}

const keyOf = ({ kind, value }: BanTarget): string => `${kind} ${value}`;
