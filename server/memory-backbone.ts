import { randomUUID } from 'node:crypto';
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
} from './backbone.ts';
import { ClientRecords, type ClientBounds } from './client-records.ts';
import { systemClock, type Clock } from './clock.ts';
import { defaultLimits } from './limits.ts';
import type { Refusal } from './request-error.ts';
import { encodeMessage } from './topic-history.ts';
import { TopicStore, type TopicBounds } from './topic-store.ts';

/** Options of {@link MemoryBackbone}. */
export interface MemoryBackboneOptions {
  /** Bounds, those of {@link defaultLimits} where not given. */
  readonly limits?: Partial<TopicBounds & ClientBounds>;
  /** Default: the clock of the machine. */
  readonly clock?: Clock;
  /** Makes the epochs of topics. Default: random UUIDs. */
  readonly randomId?: () => string;
}

/** The backbone of a single server: everything is in memory, and gone with the process. */
export class MemoryBackbone implements Backbone {
  readonly #clients: ClientRecords;
  readonly #topics: TopicStore;

  constructor(options: MemoryBackboneOptions = {}) {
    const bounds = { ...defaultLimits, ...options.limits };
    this.#clients = new ClientRecords(options.clock ?? systemClock, bounds);
    this.#topics = new TopicStore(bounds, options.randomId ?? randomUUID);
  }

  publish({ topic: name, id, ts, payload, trace, client }: Publication): PublishResult {
    const problem = client && this.#clients.problem(client);
    if (problem) return problem;
    const topic = this.#topics.use(name);
    if (client) this.#clients.advance(client, topic ? undefined : topicLimit);
    if (!topic) return { kind: 'refused', ...topicLimit };
    const { epoch, offset: last } = topic.history.head();
    const offset = last + 1;
    this.#topics.append(topic, encodeMessage({ topic: name, epoch, offset, id, ts, trace }, payload));
    for (const advanced of topic.watchers) advanced(epoch, offset);
    return { kind: 'published', epoch, offset };
  }

  recordRefusal(client: ClientSequence, refusal: Refusal): { readonly kind: 'recorded' } | SequenceProblem {
    const problem = this.#clients.problem(client);
    if (problem) return problem;
    this.#clients.advance(client, refusal);
    return { kind: 'recorded' };
  }

  read(name: string, after: number, bounds: ReadBounds): HistorySlice {
    const topic = this.#topics.get(name);
    return topic ? topic.history.read(after, bounds) : { ...nothing, messages: [] };
  }

  head(name: string): TopicHead {
    return this.#topics.get(name)?.history.head() ?? nothing;
  }

  watch(name: string, advanced: (epoch: string, offset: number) => void): WatchResult {
    const topic = this.#topics.use(name);
    if (!topic) return { kind: 'full' };
    // A function of its own, so that one listener can watch twice and stop twice.
    const stop = this.#topics.watch(topic, (epoch, offset) => advanced(epoch, offset));
    return { kind: 'watching', stop };
  }

  openClient(opening: ClientOpening): OpenResult {
    return this.#clients.open(opening);
  }

  closeClient(key: string, lease: number): void {
    this.#clients.close(key, lease);
  }

  close(): void {
    this.#topics.clear();
  }
}

/** The refusal of a publish that would need one topic too many. */
export const topicLimit: Refusal = {
  code: 'limit',
  message: 'the server has no room for another topic',
  retryable: true,
};

/** A topic that does not exist; an epoch must not be empty on the wire. */
export const nothing: TopicHead = { epoch: 'none', oldest: 1, offset: 0 };
