// What the conformance cases of a store are made of. Plain errors and JSON: the cases run in browsers, too.
import type { Entry, FailureRecord, StoreChange, StoredOutbox, StoreHealth } from '../core/store-types.ts';
import type { OutboxStore } from '../outbox-store.ts';

/** One rule. `newStore` gives a store over the same data every time; each case wants data of its own. */
export interface StoreConformanceCase {
  /** A sentence in the present tense. */
  readonly name: string;
  readonly run: (newStore: () => OutboxStore) => Promise<void>;
}

/** Sequences of one epoch. */
export const epochSequences = 2 ** 32;
/** Failures and tabs that a store remembers. */
export const manyFailures = 10_000;
export const manyTabs = 1024;

/** Throws unless it holds. */
export function ok(isTrue: boolean, what: string): void {
  if (!isTrue) throw new Error(`it does not hold that ${what}`);
}

/** Throws unless both have the same JSON. */
export function same(actual: unknown, expected: unknown, what: string): void {
  const [is, should] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (is !== should) throw new Error(`${what}: ${is} should be ${should}`);
}

/** A change that does only what is given. */
export const storeChange = (parts: Partial<StoreChange>): StoreChange => ({
  entries: [],
  held: [],
  heldRemoved: [],
  tabSeqs: [],
  removed: [],
  failures: [],
  acked: null,
  cursors: [],
  purge: false,
  owner: null,
  ...parts,
});

/** An entry whose fields follow from its sequence. */
export const storeEntry = (seq: number, json = `"${seq}"`): Entry => ({
  seq,
  tabId: 'tab-a',
  tabSeq: seq,
  id: `id-${seq}`,
  topic: 'topic',
  json,
  ts: 5,
  expiresAt: null,
});

/** Entries with all sequences from `first` to `last`. */
export const storeEntries = (first: number, last: number): Entry[] =>
  Array.from({ length: last - first + 1 }, (_, index) => storeEntry(first + index));

/** A failure whose fields follow from its tab sequence. */
export const failure = (tabSeq: number): FailureRecord => ({
  tabId: 'tab-a',
  tabSeq,
  id: `id-${tabSeq}`,
  topic: 'topic',
  error: { code: 'expired', message: 'too old', retryable: false },
});

/** A store that was opened, and what it told. */
export interface Opened extends StoredOutbox {
  readonly store: OutboxStore;
  readonly health: StoreHealth[];
  readonly fenced: Promise<void>;
  readonly seqs: number[];
  commit(parts: Partial<StoreChange>): Promise<void>;
}

/** Opens another store over the same data. */
export async function open(
  newStore: () => OutboxStore,
  durability: 'strict' | 'relaxed' = 'relaxed',
): Promise<Opened> {
  const store = newStore();
  const health: StoreHealth[] = [];
  let onFenced = (): void => {};
  const fenced = new Promise<void>((resolve) => (onFenced = resolve));
  const stored = await store.open({ durability, onHealth: (told) => health.push(told), onFenced });
  const seqs = stored.entries.map(({ seq }) => seq);
  const commit = (parts: Partial<StoreChange>) => store.commit(storeChange(parts));
  return { ...stored, store, health, fenced, seqs, commit };
}

/** Opens, does something, and closes; so what it did is written, also what may be written late. */
export async function during(
  newStore: () => OutboxStore,
  work: (opened: Opened) => Promise<unknown>,
): Promise<void> {
  const opened = await open(newStore);
  await work(opened);
  await opened.store.close();
}
