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

  /**
   * What a tab has to know of its entries. Some may wait behind a large one, or be written again at a later place, while
   * those published after them have been acknowledged already.
   */
  progress(tabId: string, storedSeq: number, slots: readonly Iterable<Slot>[]): TabProgress {
    const takenUpTo = this.last(tabId);
    let storedUpTo = takenUpTo;
    const open = new Set<number>();
    for (const { entry, isVolatile, state } of slots.flatMap((each) => [...each])) {
      if (state === 'ended' || entry.tabId !== tabId) continue;
      open.add(entry.tabSeq);
      const isStored = isVolatile || (state === 'live' && entry.seq <= storedSeq);
      if (!isStored) storedUpTo = Math.min(storedUpTo, entry.tabSeq - 1);
    }
    let ackedUpTo = takenUpTo;
    while (open.delete(ackedUpTo)) ackedUpTo -= 1;
    const progress = { takenUpTo, storedUpTo, ackedUpTo };
    return open.size > 0 ? { ...progress, but: [...open] } : progress;
  }
}
