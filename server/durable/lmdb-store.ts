import { createHash, randomUUID } from 'node:crypto';
import type { Database, RootDatabase } from 'lmdb';
import type { ServerMessage } from '../../src/protocol/schema.ts';
import type { RecordedRefusal, StoredMessage } from '../backbone.ts';
import type { ClientMemory } from '../client-records.ts';
import { storedMessage } from '../topic-history.ts';
import * as durableLimits from './limits.ts';
import { decodeRecord, encodeRecord } from './record-codec.ts';
import type { RecordStore, StoreChange, StoredClient, StoredTopic } from './record-store.ts';
import { storageFailed } from './storage-failed.ts';

type Key = string | readonly (string | number)[];

/** What identifies the format, and the one process that may write. */
interface Meta {
  readonly format: number;
  readonly owner: string;
  readonly starts: number;
}

/**
 * Records in LMDB: `t` topic id, `m` topic id and offset, `p` topic id, offset and number of a part, `c` client, `r` client and sequence. Writes are
 * synchronous: those that the package makes in the background end the process when they fail, by promises of
 * their own that reject and that nobody can handle.
 */
export class LmdbStore implements RecordStore {
  readonly starts: number;
  readonly #db: Database<Buffer, string | (string | number)[]>;
  readonly #owner = randomUUID();

  constructor(db: RootDatabase<Buffer, string | (string | number)[]>) {
    this.#db = db;
    this.starts = db.transactionSync(() => {
      const meta = this.#json<Meta>('meta');
      if (meta && meta.format > durableLimits.formatVersion) {
        const message = `the directory was written by a newer onesocket (format ${meta.format}): update this one`;
        throw storageFailed(message);
      }
      const starts = (meta?.starts ?? 0) + 1;
      this.#put('meta', JSON.stringify({ format: durableLimits.formatVersion, owner: this.#owner, starts }));
      return starts;
    });
  }

  topics(): readonly StoredTopic[] {
    return [...this.#range(['t'], ['u'])].map(({ value }) => JSON.parse(decodeRecord(value) as string));
  }

  topic(id: number): StoredTopic | undefined {
    return this.#json(['t', id]);
  }

  *messages(topicId: number, above: number): Iterable<StoredMessage> {
    for (const { key, value } of this.#range(['m', topicId, above + 1], ['m', topicId + 1]))
      yield this.#message(topicId, key[2] as number, decodeRecord(value));
  }

  *clients(): Iterable<{ readonly key: string; readonly memory: ClientMemory }> {
    const refusals = new Map<string, RecordedRefusal[]>();
    for (const { key, value } of this.#range(['r'], ['s'])) {
      const hash = key[1] as string;
      const known = refusals.get(hash) ?? [];
      known.push(JSON.parse(decodeRecord(value) as string));
      refusals.set(hash, known);
    }
    for (const { key: path, value } of this.#range(['c'], ['d'])) {
      const { key, ...known } = JSON.parse(decodeRecord(value) as string) as StoredClient;
      yield { key, memory: { ...known, refusals: refusals.get(path[1] as string) ?? [] } };
    }
  }

  client(key: string): ClientMemory | undefined {
    const known = this.#json<StoredClient>(['c', hashOf(key)]);
    if (!known) return undefined;
    const hash = hashOf(key);
    const refusals = [...this.#range(['r', hash], ['r', hash, Number.MAX_VALUE])];
    return { ...known, refusals: refusals.map(({ value }) => JSON.parse(decodeRecord(value) as string)) };
  }

  commit(changes: readonly StoreChange[]): void {
    this.#db.transactionSync(() => {
      if (this.#json<Meta>('meta')?.owner !== this.#owner)
        throw storageFailed('another process has taken the directory over: this one must end');
      for (const change of changes) this.#apply(change);
    });
  }

  close(): Promise<void> {
    return this.#db.close();
  }

  #apply(change: StoreChange): void {
    switch (change.kind) {
      case 'topic':
        return this.#put(['t', change.topic.id], JSON.stringify(change.topic));
      case 'message':
        return this.#putMessage(change.topicId, change.message);
      case 'forget-messages':
        this.#remove(['p', change.topicId], ['p', change.topicId, change.below]);
        return this.#remove(['m', change.topicId], ['m', change.topicId, change.below]);
      case 'forget-topic':
        this.#remove(['t', change.topicId], ['t', change.topicId + 1]);
        this.#remove(['p', change.topicId], ['p', change.topicId + 1]);
        return this.#remove(['m', change.topicId], ['m', change.topicId + 1]);
      case 'client':
        return this.#put(['c', hashOf(change.client.key)], JSON.stringify(change.client));
      case 'refusal':
        return this.#put(['r', hashOf(change.key), change.refusal.seq], JSON.stringify(change.refusal));
      case 'forget-refusals':
        return this.#remove(['r', hashOf(change.key)], ['r', hashOf(change.key), change.upTo + 1]);
      case 'forget-client':
        this.#db.removeSync(['c', hashOf(change.key)]);
        return this.#remove(['r', hashOf(change.key)], ['r', hashOf(change.key), Number.MAX_VALUE]);
      default:
        return change satisfies never;
    }
  }

  #putMessage(topicId: number, { offset, frame, large }: StoredMessage): void {
    this.#put(['m', topicId, offset], frame);
    for (const [index, part] of large?.parts.entries() ?? []) this.#put(['p', topicId, offset, index], part);
  }

  #message(topicId: number, offset: number, frame: string | Uint8Array): StoredMessage {
    const named = transferIn(frame);
    if (!named) return storedMessage(offset, frame);
    const { at: _, ...transfer } = named;
    const parts: Uint8Array[] = [];
    let size = 0;
    for (const { value } of this.#range(['p', topicId, offset], ['p', topicId, offset + 1])) {
      const part = decodeRecord(value) as Uint8Array;
      parts.push(part);
      size += part.byteLength;
    }
    if (size !== transfer.size) throw storageFailed('a large message is damaged');
    return storedMessage(offset, frame, { ...transfer, parts });
  }

  #json<T>(key: Key): T | undefined {
    const record = this.#db.getBinary(key as string);
    return record && (JSON.parse(decodeRecord(record) as string) as T);
  }

  #put(key: Key, content: string | Uint8Array): void {
    this.#db.putSync(key as string, encodeRecord(content));
  }

  #range(start: Key, end: Key) {
    return this.#db.getRange({ start: start as string, end: end as string, snapshot: false });
  }

  #remove(start: Key, end: Key): void {
    const keys = [...this.#db.getKeys({ start: start as string, end: end as string })];
    for (const key of keys) this.#db.removeSync(key);
  }
}

/** What a `message` envelope says of its chunks, where it has any. */
function transferIn(frame: string | Uint8Array): ServerMessage<'message'>['transfer'] {
  // Most messages are not parsed for it; the text can be in a payload, too.
  if (typeof frame !== 'string' || !frame.includes('"transfer":{')) return undefined;
  return (JSON.parse(frame) as ServerMessage<'message'>).transfer;
}

/** Keys of LMDB have a bounded length, and those of clients can be longer. */
const hashOf = (key: string): string => createHash('sha256').update(key).digest('base64url');
