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
import { TopicHistory, type HistoryBounds } from './topic-history.ts';

/** Options of {@link MemoryBackbone}. */
export interface MemoryBackboneOptions {
  /** Bounds, those of {@link defaultLimits} where not given. */
  readonly limits?: Partial<HistoryBounds & ClientBounds & { readonly topics: number }>;
  /** Default: the clock of the machine. */
  readonly clock?: Clock;
  /** Makes the epochs of topics. Default: random UUIDs. */
  readonly randomId?: () => string;
}

interface Topic {
  readonly history: TopicHistory;
  readonly watchers: Set<(epoch: string, offset: number) => void>;
}

/** The backbone of a single server: everything is in memory, and gone with the process. */
export class MemoryBackbone implements Backbone {
  readonly #bounds: HistoryBounds & ClientBounds & { readonly topics: number };
  readonly #randomId: () => string;
  readonly #clients: ClientRecords;
  readonly #topics = new Map<string, Topic>();
  /** Topics that nobody watches, the one unused for longest first. */
  readonly #idle = new Set<string>();

  constructor(options: MemoryBackboneOptions = {}) {
    this.#bounds = { ...defaultLimits, ...options.limits };
    this.#randomId = options.randomId ?? randomUUID;
    this.#clients = new ClientRecords(options.clock ?? systemClock, this.#bounds);
  }

  publish({ topic: name, id, ts, payload, client }: Publication): PublishResult {
    const problem = client && this.#clients.problem(client);
    if (problem) return problem;
    const topic = this.#use(name);
    if (client) this.#clients.advance(client, topic ? undefined : topicLimit);
    if (!topic) return { kind: 'refused', ...topicLimit };
    const offset = topic.history.append(id, ts, payload);
    const epoch = topic.history.epoch;
    for (const advanced of topic.watchers) advanced(epoch, offset);
    return { kind: 'published', epoch, offset };
  }

  recordRefusal(
    client: ClientSequence,
    refusal: { readonly code: string; readonly message: string },
  ): { readonly kind: 'recorded' } | SequenceProblem {
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
    const topic = this.#use(name);
    if (!topic) return { kind: 'full' };
    // A function of its own, so that one listener can watch twice and stop twice.
    const watcher = (epoch: string, offset: number) => advanced(epoch, offset);
    topic.watchers.add(watcher);
    this.#idle.delete(name);
    const stop = () => {
      if (topic.watchers.delete(watcher) && topic.watchers.size === 0) this.#idle.add(name);
    };
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
    this.#idle.clear();
  }

  /** The topic, made where it is missing; undefined where there is no room for it. */
  #use(name: string): Topic | undefined {
    const known = this.#topics.get(name);
    if (known) {
      if (this.#idle.delete(name)) this.#idle.add(name);
      return known;
    }
    if (this.#topics.size >= this.#bounds.topics && !this.#evict()) return undefined;
    const topic = {
      history: new TopicHistory(name, this.#randomId(), this.#bounds),
      watchers: new Set<never>(),
    };
    this.#topics.set(name, topic);
    this.#idle.add(name);
    return topic;
  }

  #evict(): boolean {
    for (const name of this.#idle) {
      this.#idle.delete(name);
      return this.#topics.delete(name);
    }
    return false;
  }
}

const topicLimit = { code: 'limit', message: 'the server has no room for another topic' } as const;

/** A topic that does not exist; an epoch must not be empty on the wire. */
const nothing: TopicHead = { epoch: 'none', oldest: 1, offset: 0 };
