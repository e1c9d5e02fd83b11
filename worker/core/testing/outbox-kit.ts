import type { ErrorData } from '../../../src/protocol/errors.ts';
import type { QueuePolicy } from '../hub-api.ts';
import { Journal, type Tidings } from '../journal.ts';
import { Outbox } from '../outbox.ts';
import type { EntryDraft } from '../outbox-slots.ts';
import type { Entry, StoreChange, StoredOutbox } from '../store-types.ts';
import { emptyStore } from './plain-store.ts';

/** An entry of tab a that counts ten bytes, unless said otherwise. */
export const draft = (tabSeq: number, more: Partial<EntryDraft> = {}): EntryDraft => ({
  tabId: 'a',
  tabSeq,
  id: `id${tabSeq}`,
  topic: 't',
  json: '1234567890',
  ts: 1,
  expiresAt: null,
  ...more,
});

/** An outbox with its journal, and a store that does what it is told when it is told. */
export class OutboxKit {
  readonly journal = new Journal();
  readonly outbox: Outbox;
  /** Everything that was written, in order. */
  readonly changes: StoreChange[] = [];
  #commit = 0;

  constructor(queue: Partial<QueuePolicy> = {}, stored: Partial<StoredOutbox> = {}) {
    const policy = {
      maxEntries: 10_000,
      maxBytes: 1e6,
      maxLargeBytes: 1e9,
      maxAgeMs: 1e9,
      whenFull: 'reject',
      ...queue,
    } as const;
    this.outbox = new Outbox(policy, { ...emptyStore, ...stored }, this.journal);
  }

  /** Appends entries with these tab sequences. */
  append(tabSeqs: readonly number[], more: Partial<EntryDraft> = {}): this {
    for (const tabSeq of tabSeqs) this.outbox.append(draft(tabSeq, more));
    return this;
  }

  /** Ends a transition: gives what is written. */
  write(): StoreChange | undefined {
    const written = this.journal.take(this.outbox.lastSeq, (tabId) => this.outbox.lastTabSeq(tabId));
    if (!written) return undefined;
    this.#commit = written.commit;
    this.changes.push(written.change);
    return written.change;
  }

  /** The store settles everything up to a commit. Gives what is told then. */
  settle(commit = this.#commit): Tidings[] {
    this.outbox.stored(this.journal.committed(commit));
    return this.told();
  }

  /** Writes and settles. */
  commit(): Tidings[] {
    this.write();
    return this.settle();
  }

  /** What was told since the last time. */
  told(): Tidings[] {
    return [...this.journal.takeTidings()];
  }

  fail(seq: number, error: ErrorData): this {
    this.outbox.fail(seq, error);
    return this;
  }

  /** Sequences of the entries that are sent now. */
  take(window: number, now = 1_000): number[] {
    return this.outbox
      .take({ window, windowBytes: Infinity }, now, () => undefined)
      .map(({ seq }: Entry) => seq);
  }
}
