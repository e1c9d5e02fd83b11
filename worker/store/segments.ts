import type { Entry } from '../core/store-types.ts';
import type { SegmentRecord } from './database.ts';
import type { Large } from '../core/payload-types.ts';
import { isCount, isLarge, isText } from './records.ts';
import * as storeLimits from './limits.ts';

/** What is known of a stored segment without reading it: its key, and the highest sequence that it can have. */
export interface Segment {
  readonly first: number;
  readonly last: number;
}

/** Splits entries into what goes into one segment each. */
export function splitEntries(entries: readonly Entry[]): Entry[][] {
  const parts: Entry[][] = [];
  let part: Entry[] = [];
  let bytes = Infinity;
  for (const entry of entries) {
    const entryBytes = entry.json?.length ?? entry.bytes?.byteLength ?? 0;
    if (part.length === storeLimits.segmentEntries || bytes + entryBytes > storeLimits.segmentBytes) {
      parts.push((part = []));
      bytes = 0;
    }
    part.push(entry);
    bytes += entryBytes;
  }
  return parts;
}

const isTime = (value: unknown): boolean => Number.isFinite(value);

/** The columns of a record: the field of an entry that each has, and what its values are. */
const columns: readonly (readonly [field: keyof Entry, isSound: (value: unknown) => boolean])[] = [
  ['seq', isCount],
  ['tabId', isText],
  ['tabSeq', isCount],
  ['id', isText],
  ['topic', isText],
  ['json', (json) => json === undefined || isText(json)],
  ['bytes', (bytes) => bytes === undefined || bytes instanceof ArrayBuffer],
  ['ts', isTime],
  ['expiresAt', (expiresAt) => expiresAt === null || isTime(expiresAt)],
  ['coalesceKey', (key) => key === undefined || isText(key)],
  ['large', (large) => large === undefined || isLarge(large as Large)],
  // Nothing depends on a trace, and the server ignores what is none: it is no reason to put an entry aside.
  ['trace', () => true],
];

/** Entries as a record, by columns. One whose values are all the same, as tab ids and topics often are, is that value. */
export const encodeSegment = (entries: readonly Entry[]): SegmentRecord =>
  columns.map(([field]) => {
    const column = entries.map((entry) => entry[field]);
    return field === 'seq' || column.some((value) => value !== column[0]) ? column : column[0];
  });

const valueAt = (column: unknown, index: number): unknown => (Array.isArray(column) ? column[index] : column);

/** The entries of a record, or undefined if it is none whose sequences ascend from above `after`. */
export function decodeSegment(record: SegmentRecord, after: number): Entry[] | undefined {
  const entries: Entry[] = [];
  const seqs = record[0] as readonly unknown[];
  for (let index = 0; index < seqs.length; index++) {
    const entry: Partial<Record<keyof Entry, unknown>> = {};
    for (const [column, [field, isSound]] of columns.entries()) {
      const value = valueAt(record[column], index);
      if (!isSound(value)) return undefined;
      if (value !== undefined) entry[field] = value;
    }
    const { seq, json, bytes, large } = entry as Entry;
    if (seq <= after || (json ?? bytes ?? large) === undefined) return undefined;
    after = seq;
    entries.push(entry as Entry);
  }
  return entries;
}

/** A record without those of its entries that `isGone` names. */
export const withoutEntries = (record: SegmentRecord, isGone: (seq: number) => boolean): SegmentRecord => {
  const seqs = record[0] as readonly number[];
  return record.map((column) =>
    Array.isArray(column) ? column.filter((_, index) => !isGone(seqs[index]!)) : column,
  );
};

/** The sequences that each segment has to lose; a sequence in no segment is nobody's. */
export function removalsBySegment(
  segments: readonly Segment[],
  removed: readonly number[],
): Map<Segment, Set<number>> {
  const bySegment = new Map<Segment, Set<number>>();
  for (const seq of removed) {
    const segment = segments[firstIndexAbove(segments, seq - 1)];
    if (!segment || segment.first > seq) continue;
    const seqs = bySegment.get(segment);
    if (seqs) seqs.add(seq);
    else bySegment.set(segment, new Set([seq]));
  }
  return bySegment;
}

/** Index of the first segment that can hold a sequence above `seq`. */
export function firstIndexAbove(segments: readonly Segment[], seq: number): number {
  let low = 0;
  let high = segments.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (segments[middle]!.last > seq) high = middle;
    else low = middle + 1;
  }
  return low;
}
