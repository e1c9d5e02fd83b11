import type { StoreChange } from '../core/store-types.ts';
import {
  clientKey,
  unheard,
  type ClientRecord,
  type OutboxSchema,
  type WriteTransaction,
} from './database.ts';
import type { LogIndex } from './load.ts';
import {
  encodeSegment,
  firstIndexAbove,
  removalsBySegment,
  splitEntries,
  withoutEntries,
  type Segment,
} from './segments.ts';
import * as storeLimits from './limits.ts';

/** What is true once the transaction is complete. */
interface Written {
  readonly index: Pick<LogIndex, 'segments' | 'failures'>;
  /** Of the entries that were written; null if none were. */
  readonly lastSeq: number | null;
}

/**
 * Writes a change into the transaction. `doubtAfter` is the last sequence that is known to be stored, where a write of
 * later ones failed without saying what became of it: they are written again. With `freesOnly` it does nothing but
 * delete, which a full disk allows, and leaves the rest to a later write of the same change.
 */
export async function writeChange(
  tx: WriteTransaction,
  [clientId, clientEpoch, lastAcked, lastStored, lastOwner]: ClientRecord,
  index: LogIndex,
  change: StoreChange,
  doubtAfter: number | null,
  freesOnly: boolean,
): Promise<Written> {
  if (change.purge) {
    for (const name of ['segments', 'held', 'failures', 'cursors', 'damaged'] as const) {
      unheard(tx.objectStore(name).clear());
    }
    index.cursors.clear();
  }
  if (doubtAfter !== null) {
    unheard(tx.objectStore('segments').delete(IDBKeyRange.lowerBound(doubtAfter, true)));
  }
  const acked = Math.max(lastAcked, change.acked ?? 0);
  const kept = forgetAcked(tx, change.purge ? [] : index.segments, acked);
  const segments = await removeEntries(tx, kept, change.removed);
  for (const part of splitEntries(change.entries)) {
    const segment = { first: part[0]!.seq, last: part.at(-1)!.seq };
    unheard(tx.objectStore('segments').put(encodeSegment(part), segment.first));
    segments.push(segment);
  }
  for (const entry of change.held) {
    unheard(tx.objectStore('held').put(encodeSegment([entry]), entry.seq));
  }
  for (const seq of change.heldRemoved) unheard(tx.objectStore('held').delete(seq));
  putNewest(tx, 'tabs', index, storeLimits.tabs, change.tabSeqs);
  putNewest(tx, 'cursors', index, storeLimits.cursors, change.cursors);
  const failures = putFailures(tx, change.purge ? [] : index.failures, change);
  const lastSeq = change.entries.at(-1)?.seq ?? null;
  const highest = Math.max(lastStored, lastSeq ?? 0);
  const client: ClientRecord = [clientId, clientEpoch, acked, highest, change.owner ?? lastOwner];
  if (!freesOnly) unheard(tx.objectStore('client').put(client, clientKey));
  return { index: { segments, failures }, lastSeq };
}

/** Deletes the segments that are acknowledged as a whole. */
function forgetAcked(tx: WriteTransaction, segments: readonly Segment[], acked: number): Segment[] {
  const count = firstIndexAbove(segments, acked);
  if (count > 0) {
    unheard(tx.objectStore('segments').delete(IDBKeyRange.upperBound(segments[count - 1]!.first)));
  }
  return segments.slice(count);
}

/** Rewrites each segment that loses entries, once. */
async function removeEntries(
  tx: WriteTransaction,
  segments: Segment[],
  removed: readonly number[],
): Promise<Segment[]> {
  if (removed.length === 0) return segments;
  const store = tx.objectStore('segments');
  const empty = new Set<Segment>();
  for (const [segment, gone] of removalsBySegment(segments, removed)) {
    const isSingle = segment.first === segment.last;
    const record = isSingle ? undefined : await store.get(segment.first);
    const rest = record && withoutEntries(record, (seq) => gone.has(seq));
    if (rest && (rest[0] as readonly number[]).length > 0) {
      unheard(store.put(rest, segment.first));
    } else {
      empty.add(segment);
      unheard(store.delete(segment.first));
    }
  }
  return segments.filter((segment) => !empty.has(segment));
}

/** Puts records of which the least recent are deleted beyond a limit. */
function putNewest<N extends 'tabs' | 'cursors'>(
  tx: WriteTransaction,
  name: N,
  index: LogIndex,
  limit: number,
  items: readonly (readonly [string, OutboxSchema[N]['value'][0]])[],
): void {
  const keys = index[name];
  const store = tx.objectStore<'tabs' | 'cursors'>(name);
  for (const [key, value] of items) {
    keys.delete(key);
    keys.add(key);
    unheard(store.put([value, ++index.turn] as OutboxSchema[N]['value'], key));
  }
  for (const key of keys) {
    if (keys.size <= limit) break;
    keys.delete(key);
    unheard(store.delete(key));
  }
}

/** Keeps the failures of a commit as one record, and forgets the oldest records beyond the limit. */
function putFailures(
  tx: WriteTransaction,
  before: LogIndex['failures'],
  { failures }: StoreChange,
): LogIndex['failures'] {
  if (failures.length === 0) return before;
  const store = tx.objectStore('failures');
  const key = (before.at(-1)?.[0] ?? 0) + 1;
  const after = [...before, [key, failures.length] as [number, number]];
  let sum = after.reduce((total, [, count]) => total + count, 0);
  let surplus = 0;
  while (sum - after[surplus]![1] >= storeLimits.failures) sum -= after[surplus++]![1];
  if (surplus > 0) unheard(store.delete(IDBKeyRange.upperBound(after[surplus - 1]![0])));
  unheard(store.put(failures, key));
  return after.slice(surplus);
}
