import type { GapReason, Position } from './hub-api.ts';
import type { Large } from './payload-types.ts';
import { Deque } from './deque.ts';
import * as coreLimits from './limits.ts';

/** A run of messages, one message that is binary or large, or a gap: the unit in which a topic is kept and handed on. */
export type TailRecord = RowsRecord | BytesRecord | LargeRecord | GapRecord;

interface RecordBase {
  /** Place in the tail: counts messages and gaps over all epochs, never restarts. */
  readonly at: number;
  /** Messages in the record; a gap counts as one. */
  readonly count: number;
  readonly epoch: string;
  /** Offset of the first message; of a gap, the offset before the first message after it. */
  readonly offset: number;
}

interface RowsRecord extends RecordBase {
  readonly kind: 'messages';
  /** JSON text of an array of [id, ts, payload] or [id, ts, payload, trace]; encoded once for all tabs. */
  readonly rows: string;
}

interface BytesRecord extends RecordBase {
  readonly kind: 'bytes';
  readonly id: string;
  readonly ts: number;
  readonly bytes: ArrayBuffer;
  readonly trace?: unknown;
}

interface LargeRecord extends RecordBase {
  readonly kind: 'large';
  readonly id: string;
  readonly ts: number;
  readonly large: Large;
  readonly trace?: unknown;
}

interface GapRecord extends RecordBase {
  readonly kind: 'gap';
  readonly reason: GapReason;
  readonly missed: number | null;
}

type WithoutPlace<R> = R extends unknown ? Omit<R, 'at'> : never;

/**
 * The newest records of one topic, bounded by messages and bytes. Subscriptions are places in it; nothing is
 * buffered per tab.
 */
export class TopicTail {
  #records = new Deque<TailRecord>();
  #bytes = 0;
  #largeBytes = 0;
  #end = 0;

  /** The place of the oldest record kept. */
  get begin(): number {
    return this.#records.at(0)?.at ?? this.#end;
  }

  /** How many records it has. */
  get records(): number {
    return this.#records.length;
  }

  /** The place that the next record gets. */
  get end(): number {
    return this.#end;
  }

  append(record: WithoutPlace<TailRecord>): void {
    this.#records.push({ ...record, at: this.#end });
    this.#end += record.count;
    this.#count(record, 1);
    while (
      this.#records.length > 1 &&
      (this.#end - this.begin > coreLimits.tailMessages ||
        this.#bytes > coreLimits.tailBytes ||
        this.#largeBytes > coreLimits.tailLargeBytes)
    ) {
      this.#count(this.#records.shift()!, -1);
    }
  }

  #count(record: WithoutPlace<TailRecord>, sign: 1 | -1): void {
    this.#bytes += sign * recordBytes(record);
    if (record.kind === 'large') this.#largeBytes += sign * record.large.blob.size;
  }

  /** The record that holds `place`, or the first after it; undefined at the end. */
  recordAt(place: number): TailRecord | undefined {
    return this.#records.at(this.#records.search((record) => record.at + record.count > place));
  }

  /** The place behind the message at `position`; undefined where that is not kept any more, or never was. */
  placeAfter(position: Position): number | undefined {
    for (const record of this.#records) {
      if (record.epoch !== position.epoch) continue;
      const next = position.offset + 1 - record.offset;
      if (next > record.count) continue;
      // A position in a hole goes on with the gap that tells of it.
      return next >= 0 || record.kind === 'gap' ? record.at + Math.max(0, next) : undefined;
    }
    return undefined;
  }
}

/** Characters or bytes of a record's content. */
export function recordBytes(record: WithoutPlace<TailRecord>): number {
  switch (record.kind) {
    case 'messages':
      return record.rows.length;
    case 'bytes':
      return record.bytes.byteLength;
    case 'large':
      return coreLimits.largeRecordBytes;
    case 'gap':
      return 0;
  }
}
