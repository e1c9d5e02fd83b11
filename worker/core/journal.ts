import type { ErrorData } from '../../src/protocol/errors.ts';
import { Deque } from './deque.ts';
import type { Position, TabItem } from './hub-api.ts';
import * as coreLimits from './limits.ts';
import type { Entry, FailureRecord, StoreChange } from './store-types.ts';

/** What happened to entries of one tab. */
export type EntryFate =
  | { readonly kind: 'stored'; readonly tabId: string; readonly upTo: number }
  /** All up to this one are settled, without those in `but`. */
  | {
      readonly kind: 'acked';
      readonly tabId: string;
      readonly upTo: number;
      readonly but?: readonly number[] | undefined;
    }
  | ({ readonly kind: 'failed' } & FailureRecord);

/** What a tab is to be told: a fate, or the answer to an op. */
export type Tidings =
  | EntryFate
  | {
      readonly kind: 'answer';
      readonly tabId: string;
      readonly item: TabItem;
      /** What is told in its place where the store could not be reached. */
      readonly unstored?: TabItem;
    };

/** What is known of the end of an entry, as its tab and the store get it. */
export const failureOf = (
  { tabId, tabSeq, id, topic }: Pick<Entry, 'tabId' | 'tabSeq' | 'id' | 'topic'>,
  error: ErrorData,
): FailureRecord => ({ tabId, tabSeq, id, topic, error });

/** A commit on its way: what it stores, and what is told once it is stored. */
interface Commit {
  readonly commit: number;
  readonly through: number;
  /** Failures of entries that were in the log, among `tidings`. */
  readonly failures: number;
  readonly tidings: readonly Tidings[];
}

const emptyDraft = () => ({
  entries: [] as Entry[],
  removed: [] as number[],
  held: [] as Entry[],
  heldRemoved: [] as number[],
  failures: [] as FailureRecord[],
  acked: null as number | null,
  cursors: new Map<string, Position>(),
  purge: false,
  owner: null as string | null,
  tabIds: new Set<string>(),
  tidings: [] as Tidings[],
  /** Whether it is written with this transition, or waits for one that is. */
  isDue: false,
});

/**
 * Gathers what a transition writes into one commit, and keeps what the tabs are told of it until it is stored:
 * a fate that was told must outlive the hub.
 */
export class Journal {
  #draft = emptyDraft();
  #now: Tidings[] = [];
  #count = 0;
  #writtenSeq = 0;
  readonly #commits = new Deque<Commit>();
  /** Entries whose failure is being stored. */
  ending = 0;
  /** Entries that failed without having been taken, ever. */
  refused = 0;

  /** The last sequence that was written, whether that is stored or on its way. */
  get writtenSeq(): number {
    return this.#writtenSeq;
  }

  /** A new entry of the log. */
  append(entry: Entry): void {
    this.#draft.entries.push(entry);
    this.#touch(entry.tabId);
  }

  /** A new entry that is held. */
  hold(entry: Entry): void {
    this.#draft.held.push(entry);
    this.#touch(entry.tabId);
  }

  /** An entry that was held goes into the log. */
  release(key: number, entry: Entry): void {
    this.#draft.heldRemoved.push(key);
    this.append(entry);
  }

  /** An entry of the log is held again. */
  holdAgain(seq: number, entry: Entry): void {
    this.#draft.removed.push(seq);
    this.hold(entry);
  }

  /** An entry of the log, or one that was held, failed: told once that is stored. */
  fail(entry: Entry, error: ErrorData, isHeld: boolean): void {
    const record = failureOf(entry, error);
    this.#draft[isHeld ? 'heldRemoved' : 'removed'].push(entry.seq);
    this.#draft.failures.push(record);
    this.#draft.tidings.push({ kind: 'failed', ...record });
    this.ending += 1;
    this.#touch(entry.tabId);
  }

  /**
   * An entry that never was in the log failed: told at once, and written with the next commit, so that nobody who
   * finds a later entry of its tab stored takes it for stored too.
   */
  refuse(record: FailureRecord): void {
    this.refuseUnwritten(record);
    this.#draft.failures.push(record);
    this.#draft.tabIds.add(record.tabId);
    if (this.#draft.failures.length >= coreLimits.unwrittenFailures) this.#draft.isDue = true;
  }

  /** The same for one that is never stored. */
  refuseUnwritten(record: FailureRecord): void {
    this.refused += 1;
    this.tell({ kind: 'failed', ...record });
  }

  /** The server has everything up to `seq`. What that settles is told now, or behind failures that are being stored. */
  acked(seq: number, fates: readonly EntryFate[], isAfterCommit: boolean): void {
    this.#draft.acked = seq;
    this.#draft.isDue = true;
    (isAfterCommit ? this.#draft.tidings : this.#now).push(...fates);
  }

  /** A cursor moved; written with the next commit. */
  cursor(topic: string, position: Position): void {
    this.#draft.cursors.set(topic, position);
  }

  /** Whether cursors wait for a commit. */
  get hasCursors(): boolean {
    return this.#draft.cursors.size > 0;
  }

  /** Writes with this transition what waits for a commit. */
  flush(): void {
    this.#draft.isDue = true;
  }

  /**
   * The store forgets all entries and cursors. Failures stay, those that were `told` and the others, but for their topic:
   * without them a tab that is away would take those entries for acknowledged.
   */
  purge(told: readonly FailureRecord[]): void {
    const draft = this.#draft;
    const commits = [...this.#commits].flatMap(({ tidings }) => tidings);
    const untold = commits.flatMap((each) => (each.kind === 'failed' ? [failureOf(each, each.error)] : []));
    draft.failures = [...told, ...untold, ...draft.failures].map((record) => ({ ...record, topic: '' }));
    for (const list of [draft.entries, draft.removed, draft.held, draft.heldRemoved]) list.length = 0;
    draft.cursors.clear();
    draft.purge = draft.isDue = true;
  }

  /** Whom the outbox belongs to from now on. */
  owner(identity: string): void {
    this.#draft.owner = identity;
    this.#draft.isDue = true;
  }

  /** Writes something that changes nothing: a store that another hub has taken over says so. */
  verify(tabId: string): void {
    this.#touch(tabId);
  }

  /** Tells a tab with this transition. */
  tell(tidings: Tidings): void {
    this.#now.push(tidings);
  }

  /** Tells a tab once everything so far is stored. */
  tellStored(tidings: Tidings): void {
    this.#draft.tidings.push(tidings);
    this.#draft.isDue = true;
  }

  /** What is to be told with this transition. */
  takeTidings(): readonly Tidings[] {
    const tidings = this.#now;
    if (tidings.length > 0) this.#now = [];
    return tidings;
  }

  /** What this transition writes; null if nothing. `through` is the last sequence in use. */
  take(
    through: number,
    lastTabSeq: (tabId: string) => number,
  ): { readonly commit: number; readonly change: StoreChange } | null {
    if (!this.#draft.isDue) return null;
    const { tabIds, tidings, isDue: _, cursors, ...draft } = this.#draft;
    this.#draft = emptyDraft();
    const commit = (this.#count += 1);
    this.#writtenSeq = through;
    const failures = tidings.filter(({ kind }) => kind === 'failed').length;
    const tabSeqs = Array.from(tabIds, (tabId) => [tabId, lastTabSeq(tabId)] as const);
    const stored = tabSeqs.map(([tabId, upTo]) => ({ kind: 'stored', tabId, upTo }) as const);
    this.#commits.push({ commit, through, failures, tidings: [...tidings, ...stored] });
    const logged = withoutShortLived(draft.entries, draft.removed);
    const held = withoutShortLived(draft.held, draft.heldRemoved);
    const change = { ...draft, tabSeqs, cursors: [...cursors] };
    return {
      commit,
      change: {
        ...change,
        entries: logged.added,
        removed: logged.removed,
        held: held.added,
        heldRemoved: held.removed,
      },
    };
  }

  /** The store has this commit, and all before it. Gives what of it is new: the last sequence, and how many failures. */
  committed(commit: number): { readonly through: number; readonly failures: number } {
    let [through, failures] = [0, 0];
    for (let first = this.#commits.at(0); first && first.commit <= commit; first = this.#commits.at(0)) {
      this.#commits.shift();
      through = first.through;
      failures += first.failures;
      for (const tidings of first.tidings) this.#now.push(tidings);
    }
    this.ending -= failures;
    return { through, failures };
  }

  #touch(tabId: string): void {
    this.#draft.tabIds.add(tabId);
    this.#draft.isDue = true;
  }
}

/** Entries and removals without those that came and ended in one change. */
function withoutShortLived(added: readonly Entry[], removed: readonly number[]) {
  if (removed.length === 0 || added.length === 0) return { added, removed };
  const [came, ended] = [new Set(added.map(({ seq }) => seq)), new Set(removed)];
  return {
    added: added.filter(({ seq }) => !ended.has(seq)),
    removed: removed.filter((seq) => !came.has(seq)),
  };
}
