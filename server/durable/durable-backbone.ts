import type {
  Backbone,
  ClientOpening,
  ClientSequence,
  HistorySlice,
  OpenResult,
  Publication,
  PublishResult,
  ReadBounds,
  SequenceProblem,
  TopicHead,
  WatchResult,
} from '../backbone.ts';
import type { ClientBounds } from '../client-records.ts';
import type { Clock } from '../clock.ts';
import { payloadSize } from '../large-payload.ts';
import { nothing, topicLimit } from '../memory-backbone.ts';
import type { Refusal } from '../request-error.ts';
import type { TopicBounds } from '../topic-store.ts';
import { CallQueue, type Prepared } from './call-queue.ts';
import { DurableClients } from './durable-clients.ts';
import { DurableTopics } from './durable-topics.ts';
import type { RecordStore } from './record-store.ts';
import { storageFailed } from './storage-failed.ts';

/** What a durable backbone is made of. */
export interface DurableParts {
  readonly bounds: TopicBounds & ClientBounds;
  readonly clock: Clock;
  readonly randomId: () => string;
  /** After the store has been closed. */
  readonly closed: () => void;
}

/**
 * A backbone whose truth is a store: memory holds what the store holds, for reading. Whatever changes something
 * waits for the next transaction, and is answered when that is durable.
 */
export class DurableBackbone implements Backbone {
  readonly #store: RecordStore;
  readonly #topics: DurableTopics;
  readonly #clients: DurableClients;
  readonly #queue: CallQueue;
  readonly #closed: () => void;
  #closing: Promise<void> | undefined;

  constructor(store: RecordStore, { bounds, clock, randomId, closed }: DurableParts) {
    this.#store = store;
    this.#topics = new DurableTopics(store, bounds, randomId);
    this.#clients = new DurableClients(store, bounds, clock);
    this.#queue = new CallQueue(clock, () => this.#commit());
    this.#closed = closed;
  }

  publish(publication: Publication): Promise<PublishResult> {
    const { client, payload } = publication;
    return this.#call(
      (done) => {
        const problem = client && this.#clients.problem(client);
        if (problem) return prepared(() => done(problem));
        return this.#publish(publication, done);
      },
      { bytes: payloadSize(payload), client },
    );
  }

  recordRefusal(
    client: ClientSequence,
    refusal: Refusal,
  ): Promise<{ readonly kind: 'recorded' } | SequenceProblem> {
    return this.#call(
      (done) => {
        const problem = this.#clients.problem(client);
        if (!problem) this.#clients.advance(client, refusal);
        return prepared(() => done(problem ?? { kind: 'recorded' }));
      },
      { bytes: refusal.message.length, client },
    );
  }

  read(name: string, after: number, bounds: ReadBounds): HistorySlice {
    const topic = this.#topics.get(name);
    return topic ? topic.history.read(after, bounds) : { ...nothing, messages: [] };
  }

  head(name: string): TopicHead {
    return this.#topics.get(name)?.history.head() ?? nothing;
  }

  watch(name: string, advanced: (epoch: string, offset: number) => void): WatchResult {
    this.#assertOpen();
    const topic = this.#topics.use(name);
    if (!topic) return { kind: 'full' };
    // A function of its own, so that one listener can watch twice and stop twice.
    const stop = this.#topics.watch(topic, (epoch, offset) => advanced(epoch, offset));
    this.#queue.push(formality);
    return { kind: 'watching', stop };
  }

  openClient(opening: ClientOpening): Promise<OpenResult> {
    return this.#call((done) => {
      const result = this.#clients.open(opening);
      return prepared(() => done(result));
    });
  }

  closeClient(key: string, lease: number): Promise<void> {
    return this.#call((done) => {
      this.#clients.close(key, lease);
      return prepared(done);
    });
  }

  /** Carries out what was called, and closes the store. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#queue.drain();
    try {
      await this.#store.close();
    } finally {
      this.#closed();
    }
  }

  #publish(publication: Publication, done: (result: PublishResult) => void): Prepared {
    const { topic: name, client } = publication;
    const topic = this.#topics.use(name);
    if (!topic && this.#topics.isHolding) return { kind: 'postponed' };
    const message = topic && this.#topics.add(topic, publication);
    if (client) this.#clients.advance(client, message ? undefined : topicLimit);
    if (!message) return prepared(() => done({ kind: 'refused', ...topicLimit }));
    const { offset } = message;
    const { epoch } = topic.history;
    return prepared(() => done({ kind: 'published', epoch, offset }));
  }

  #commit(): void {
    const changes = [...this.#clients.changes(), ...this.#topics.changes()];
    try {
      if (changes.length > 0) this.#store.commit(changes);
    } catch (reason) {
      try {
        this.#clients.failed();
      } finally {
        this.#topics.failed();
      }
      throw storageFailed('a transaction of the store failed', reason);
    }
    this.#clients.committed();
    this.#topics.committed();
  }

  #call<T>(
    prepare: (done: (result: T) => void) => Prepared,
    { bytes = 0, client }: { readonly bytes?: number; readonly client?: ClientSequence | undefined } = {},
  ): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const failed = (reason: unknown) => {
        if (client) this.#clients.breakLease(client.key);
        reject(reason as Error);
      };
      this.#assertOpen();
      if (this.#queue.isFull && bytes > 0) failed(storageFailed('too much waits for the disk'));
      else this.#queue.push({ bytes, prepare: () => prepare(resolve), failed });
    });
  }

  #assertOpen(): void {
    if (this.#closing) throw storageFailed('the store is closed');
  }
}

const prepared = (committed: () => void): Prepared => ({ kind: 'prepared', committed });

/** Nobody waits for it; it is there so that there is a transaction. */
const formality = { bytes: 0, prepare: () => prepared(() => undefined), failed: () => undefined };
