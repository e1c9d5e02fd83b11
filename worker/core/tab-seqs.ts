import * as coreLimits from './limits.ts';
import type { EntryDraft, Slot } from './outbox-slots.ts';

/** How far the entries of one tab have come. */
export interface TabProgress {
  readonly takenUpTo: number;
  readonly storedUpTo: number;
  readonly ackedUpTo: number;
  /** Those up to `ackedUpTo` that have no fate yet. */
  readonly but?: readonly number[] | undefined;
}

/** The last tab sequence of each tab, also of those that have gone. */
export class TabSeqs {
  /** The tab heard from last stands last. */
  readonly #last: Map<string, number>;

  constructor(stored: readonly (readonly [tabId: string, tabSeq: number])[]) {
    this.#last = new Map(stored);
  }

  /** The highest tab sequence taken from a tab; 0 for an unknown one. */
  last(tabId: string): number {
    return this.#last.get(tabId) ?? 0;
  }

  remember({ tabId, tabSeq }: Pick<EntryDraft, 'tabId' | 'tabSeq'>): void {
    this.#last.delete(tabId);
    this.#last.set(tabId, tabSeq);
    if (this.#last.size > coreLimits.rememberedTabs) this.#last.delete(this.#last.keys().next().value!);
  }

  /** What a tab has to know of its entries: what comes before the first one that has not come as far. */
  progress(
    tabId: string,
    storedSeq: number,
    slots: readonly Iterable<Slot>[],
    isLate: (id: string) => boolean,
  ): TabProgress {
    const takenUpTo = this.last(tabId);
    let [storedUpTo, ackedUpTo] = [takenUpTo, takenUpTo];
    const late = new Set<number>();
    for (const { entry, isVolatile, state } of slots.flatMap((each) => [...each])) {
      if (state === 'ended' || entry.tabId !== tabId) continue;
      if (isLate(entry.id)) late.add(entry.tabSeq);
      else ackedUpTo = Math.min(ackedUpTo, entry.tabSeq - 1);
      const isStored = isVolatile || (state === 'live' && entry.seq <= storedSeq);
      if (!isStored) storedUpTo = Math.min(storedUpTo, entry.tabSeq - 1);
    }
    const but = [...late].filter((tabSeq) => tabSeq <= ackedUpTo);
    const progress = { takenUpTo, storedUpTo, ackedUpTo };
    return but.length > 0 ? { ...progress, but } : progress;
  }
}
