import type { ErrorData } from '../../src/protocol/errors.ts';
import { Deque } from './deque.ts';
import type { FailedEntry, TabItem } from './hub-api.ts';
import { createBatchWindow, hasCredit } from './batch-window.ts';
import * as coreLimits from './limits.ts';
import type { EntryFate } from './journal.ts';
import type { FailureRecord } from './store-types.ts';
import type { Tab } from './tab-types.ts';

/** The attached tabs, in the order in which they came. */
export class Tabs {
  readonly #tabs = new Map<string, Tab>();
  /** The newest failures: what was told last may not have been taken, and a tab that is away may come back. */
  readonly #failures = new Deque<FailureRecord>();
  #activity = 0;

  constructor(failures: readonly FailureRecord[] = []) {
    for (const failure of failures) this.#failures.push(failure);
  }

  get size(): number {
    return this.#tabs.size;
  }

  get ids(): string[] {
    return [...this.#tabs.keys()];
  }

  get(id: string): Tab | undefined {
    return this.#tabs.get(id);
  }

  values(): Iterable<Tab> {
    return this.#tabs.values();
  }

  add(id: string, hasAuth: boolean, now: number): Tab {
    const tab: Tab = {
      id,
      hasAuth,
      activeOrder: (this.#activity += 1),
      window: createBatchWindow(coreLimits.batchesUnderWay),
      takenAt: now,
      answers: [],
      storedUpTo: 0,
      ackedUpTo: 0,
      but: [],
      uploads: new Map(),
      cursors: [],
      statusIsDirty: false,
      subscriptions: new Map(),
      ready: new Set(),
    };
    this.#tabs.set(id, tab);
    return tab;
  }

  remove(id: string): void {
    this.#tabs.delete(id);
  }

  touch(tab: Tab): void {
    tab.activeOrder = this.#activity += 1;
  }

  /** Ids of the tabs that can be asked for a token, the most recently active one first. */
  tokenSources(): string[] {
    return [...this.#tabs.values()]
      .filter((tab) => tab.hasAuth)
      .toSorted((a, b) => b.activeOrder - a.activeOrder)
      .map((tab) => tab.id);
  }

  /** The failures that are remembered, of all tabs. */
  get failures(): readonly FailureRecord[] {
    return [...this.#failures];
  }

  /** The failed entries of a tab. */
  failuresOf(tabId: string): FailedEntry[] {
    const own = [...this.#failures].filter((failure) => failure.tabId === tabId);
    return own.map(({ tabSeq, error }) => ({ tabSeq, error }));
  }

  /** Why an entry failed, as long as that is remembered. */
  failureOf(entryId: string): ErrorData | undefined {
    return [...this.#failures].findLast(({ id }) => id === entryId)?.error;
  }

  /** Notes what happened to an entry. */
  tellFate(fate: EntryFate): void {
    if (fate.kind === 'failed') {
      const { kind: _, ...record } = fate;
      this.#failures.push(record);
      if (this.#failures.length > coreLimits.keptFailures) this.#failures.shift();
    }
    const tab = this.#tabs.get(fate.tabId);
    if (!tab) return;
    switch (fate.kind) {
      case 'stored':
        tab.storedUpTo = Math.max(tab.storedUpTo, fate.upTo);
        return;
      case 'acked':
        return tellAcked(tab, fate);
      case 'failed':
        tab.answers.push({ kind: 'failed', tabSeq: fate.tabSeq, error: fate.error });
        return;
      default:
        fate satisfies never;
    }
  }
}

/** Whether a batch should go to the tab now. */
export const isDue = (tab: Tab): boolean =>
  hasCredit(tab.window) &&
  (tab.answers.length > 0 ||
    tab.storedUpTo > 0 ||
    tab.ackedUpTo > 0 ||
    tab.uploads.size > 0 ||
    tab.statusIsDirty ||
    tab.ready.size > 0);

/** Whether a tab has stopped to take batches: blocked, frozen, or dead without a certificate yet. */
export const isStuck = (tab: Tab, now: number): boolean =>
  !hasCredit(tab.window) && now - tab.takenAt >= coreLimits.stuckAfterMs;

/** Takes the answers and acknowledgements that wait, in an order that settles each promise correctly. */
export function takeAnswers(tab: Tab): TabItem[] {
  const items = tab.answers.splice(0);
  if (tab.storedUpTo > 0) items.push({ kind: 'stored', upTo: tab.storedUpTo });
  for (const [tabSeq, ratio] of tab.uploads) items.push({ kind: 'uploaded', tabSeq, ratio });
  tab.uploads.clear();
  if (tab.ackedUpTo > 0) {
    items.push({ kind: 'acked', upTo: tab.ackedUpTo, but: tab.but.length > 0 ? tab.but : undefined });
  }
  tab.storedUpTo = tab.ackedUpTo = 0;
  tab.but = [];
  return items;
}

/** Puts an acknowledgement and those that wait for credit into one. */
function tellAcked(tab: Tab, { upTo, but = [] }: Extract<EntryFate, { kind: 'acked' }>): void {
  const still = tab.but.filter((tabSeq) => tabSeq > upTo || but.includes(tabSeq));
  tab.but = [...still, ...but.filter((tabSeq) => tabSeq > tab.ackedUpTo)];
  tab.ackedUpTo = Math.max(tab.ackedUpTo, upTo);
}
