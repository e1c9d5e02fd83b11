import type { Publication, StoredMessage } from '../backbone.ts';
import { encodeMessage } from '../topic-history.ts';
import { TopicStore, type Topic, type TopicBounds } from '../topic-store.ts';
import type { RecordStore, StoreChange } from './record-store.ts';
import { storageFailed } from './storage-failed.ts';

/** A topic in memory, and what the store has of it. */
interface Kept {
  readonly id: number;
  /** Offset of the oldest message in the store. */
  oldest: number;
  usedAt: number;
}

/**
 * The topics of a durable backbone. Memory has exactly what is committed, so that nobody can read what a crash
 * could take back; the messages of the transaction under way wait beside it.
 */
export class DurableTopics {
  readonly #store: RecordStore;
  readonly #topics: TopicStore;
  readonly #kept = new Map<Topic, Kept>();
  /** Messages of the transaction under way; their topics are not forgotten before its end. */
  readonly #pending = new Map<Topic, { readonly messages: StoredMessage[]; readonly release: () => void }>();
  /** Topics that memory has less of than the store. */
  readonly #shrunk = new Set<Topic>();
  /** Topics that the store knows nothing of. */
  readonly #unstored = new Set<Topic>();
  readonly #forgotten = new Set<number>();
  #ids = 0;

  constructor(store: RecordStore, bounds: TopicBounds, randomId: () => string) {
    this.#store = store;
    this.#topics = new TopicStore(bounds, randomId, {
      shrunk: (topic) => this.#shrunk.add(topic),
      forgotten: (topic) => this.#forget(topic),
    });
    this.#load();
  }

  get(name: string): Topic | undefined {
    return this.#topics.get(name);
  }

  /** The topic, made where it is missing; undefined where there is no room for it. */
  use(name: string): Topic | undefined {
    const topic = this.#topics.use(name);
    if (topic && !this.#kept.has(topic)) {
      this.#kept.set(topic, { id: ++this.#ids, oldest: 1, usedAt: 0 });
      this.#unstored.add(topic);
    }
    return topic;
  }

  watch(topic: Topic, watcher: (epoch: string, offset: number) => void): () => void {
    return this.#topics.watch(topic, watcher);
  }

  /** Whether topics that only the transaction under way keeps in memory would make room after its end. */
  get isHolding(): boolean {
    return this.#pending.size > 0;
  }

  /** Adds a message to the transaction under way, and returns it. */
  add(topic: Topic, { id, ts, payload, trace }: Publication): StoredMessage {
    let pending = this.#pending.get(topic);
    if (!pending) {
      pending = { messages: [], release: this.#topics.watch(topic, () => undefined) };
      this.#pending.set(topic, pending);
    }
    const { epoch, offset: last } = topic.history.head();
    const offset = last + pending.messages.length + 1;
    const message = encodeMessage({ topic: topic.name, epoch, offset, id, ts, trace }, payload);
    pending.messages.push(message);
    this.#kept.get(topic)!.usedAt = ts;
    return message;
  }

  /** The changes of the transaction under way. */
  changes(): StoreChange[] {
    const changes: StoreChange[] = [];
    for (const topicId of this.#forgotten) changes.push({ kind: 'forget-topic', topicId });
    for (const topic of this.#shrunk) {
      const { id: topicId } = this.#kept.get(topic)!;
      changes.push({ kind: 'forget-messages', topicId, below: topic.history.head().oldest });
    }
    // A topic without messages is stored too: who reads it has been told its epoch.
    for (const topic of this.#unstored) changes.push(this.#record(topic, 0));
    for (const [topic, { messages }] of this.#pending) {
      changes.push(this.#record(topic, messages.length));
      const { id: topicId } = this.#kept.get(topic)!;
      for (const message of messages) changes.push({ kind: 'message', topicId, message });
    }
    return changes;
  }

  /** The transaction is durable: memory takes it over, and watchers are told. */
  committed(): void {
    this.#forgotten.clear();
    for (const topic of this.#shrunk) this.#kept.get(topic)!.oldest = topic.history.head().oldest;
    this.#shrunk.clear();
    this.#unstored.clear();
    const pending = [...this.#pending];
    for (const [topic, { messages }] of pending) this.#append(topic, messages);
    this.#release();
    for (const [topic, { messages }] of pending) tell(topic, messages);
  }

  /** The transaction failed: memory takes what of it is in the store all the same. */
  failed(): void {
    const pending = [...this.#pending.keys()];
    this.#release();
    for (const topic of pending) {
      const kept = this.#kept.get(topic);
      // Making room for one can cost another.
      if (!kept) continue;
      const messages = [...this.#store.messages(kept.id, topic.history.head().offset)];
      this.#append(topic, messages);
      tell(topic, messages);
    }
  }

  #append(topic: Topic, messages: readonly StoredMessage[]): void {
    for (const message of messages) this.#topics.append(topic, message);
    if (topic.history.head().oldest > this.#kept.get(topic)!.oldest) this.#shrunk.add(topic);
  }

  #release(): void {
    for (const { release } of this.#pending.values()) release();
    this.#pending.clear();
  }

  #forget(topic: Topic): void {
    const kept = this.#kept.get(topic)!;
    if (!this.#unstored.delete(topic)) this.#forgotten.add(kept.id);
    this.#kept.delete(topic);
    this.#shrunk.delete(topic);
  }

  #record(topic: Topic, more: number): StoreChange {
    const { id, usedAt } = this.#kept.get(topic)!;
    const { epoch, offset } = topic.history.head();
    return { kind: 'topic', topic: { id, name: topic.name, epoch, offset: offset + more, usedAt } };
  }

  #load(): void {
    const stored = this.#store.topics().toSorted((a, b) => a.usedAt - b.usedAt);
    for (const { id, name, epoch, offset, usedAt } of stored) {
      this.#ids = Math.max(this.#ids, id);
      const messages = [...this.#store.messages(id, 0)];
      const oldest = messages[0]?.offset ?? offset + 1;
      const isWhole = messages.every((message, index) => message.offset === oldest + index);
      if (!isWhole || oldest + messages.length !== offset + 1)
        throw storageFailed(`the history of the topic ${JSON.stringify(name)} is damaged`);
      const topic = this.#topics.restore(name, epoch, oldest - 1)!;
      this.#kept.set(topic, { id, oldest, usedAt });
      this.#append(topic, messages);
    }
  }
}

function tell(topic: Topic, messages: readonly StoredMessage[]): void {
  for (const { offset } of messages)
    for (const advanced of topic.watchers) advanced(topic.history.epoch, offset);
}
