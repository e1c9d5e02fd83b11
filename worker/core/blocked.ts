import { Deque } from './deque.ts';
import type { EntryDraft } from './outbox-slots.ts';

/** An entry that a tab has published, and that the outbox has not taken. */
export interface BlockedEntry {
  readonly draft: EntryDraft;
  readonly isVolatile: boolean;
}

/** What waits for room in the outbox: in order within a tab, and in turns among tabs. Nothing of it is stored. */
export class Blocked {
  /** The tab whose turn it is stands first. */
  readonly #byTab = new Map<string, Deque<BlockedEntry>>();
  readonly #maxPerTab: number;

  constructor(maxPerTab: number) {
    this.#maxPerTab = maxPerTab;
  }

  /** Whether what the tab publishes has to wait behind others of its own. */
  has(tabId: string): boolean {
    return this.#byTab.has(tabId);
  }

  /** Lets an entry wait. False at the bound. */
  add(entry: BlockedEntry): boolean {
    const { tabId, tabSeq } = entry.draft;
    const line = this.#byTab.get(tabId) ?? new Deque<BlockedEntry>();
    const last = line.at(line.length - 1);
    if (last && last.draft.tabSeq >= tabSeq) return true;
    if (line.length >= this.#maxPerTab) return false;
    line.push(entry);
    this.#byTab.set(tabId, line);
    return true;
  }

  /** The entry whose turn it is. */
  get first(): BlockedEntry | undefined {
    for (const line of this.#byTab.values()) return line.at(0);
    return undefined;
  }

  /** Takes the first entry; the next turn is another tab's. */
  shift(): void {
    for (const [tabId, line] of this.#byTab) {
      line.shift();
      this.#byTab.delete(tabId);
      if (line.length > 0) this.#byTab.set(tabId, line);
      return;
    }
  }

  dropTab(tabId: string): void {
    this.#byTab.delete(tabId);
  }

  /** Takes the entries for which this holds. */
  remove(isMeant: (draft: EntryDraft) => boolean): EntryDraft[] {
    const removed: EntryDraft[] = [];
    for (const [tabId, line] of this.#byTab) {
      const begin = removed.length;
      for (const { draft } of line) if (isMeant(draft)) removed.push(draft);
      if (removed.length > begin) line.filter(({ draft }) => !isMeant(draft));
      if (line.length === 0) this.#byTab.delete(tabId);
    }
    return removed;
  }
}
