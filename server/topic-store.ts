import type { StoredMessage } from './backbone.ts';
import { historyReliefShare } from './limits.ts';
import { TopicHistory, type HistoryBounds } from './topic-history.ts';

/** Bounds of all topics together, and of the history of each. */
export interface TopicBounds extends HistoryBounds {
  readonly topics: number;
  readonly totalHistoryBytes: number;
}

/** One topic, and who is told of its messages. */
export interface Topic {
  readonly name: string;
  readonly history: TopicHistory;
  readonly watchers: Set<(epoch: string, offset: number) => void>;
}

/** Told of what a bound on all topics together has cost. */
export interface TopicLosses {
  /** A topic was forgotten. */
  forgotten(topic: Topic): void;
  /** A history lost its oldest messages. */
  shrunk(topic: Topic): void;
}

/**
 * The topics of a memory backbone, bounded in number and in bytes. Above a bound, topics that nobody watches
 * are forgotten first, the one unused for longest before all others; made again, it has a new epoch.
 * Where the bytes are still too many after that, the largest histories lose their oldest messages.
 */
export class TopicStore {
  readonly #bounds: TopicBounds;
  readonly #randomId: () => string;
  readonly #losses: TopicLosses | undefined;
  readonly #topics = new Map<string, Topic>();
  /** Topics that nobody watches, the one unused for longest first. */
  readonly #idle = new Set<Topic>();
  #bytes = 0;

  constructor(bounds: TopicBounds, randomId: () => string, losses?: TopicLosses) {
    this.#bounds = bounds;
    this.#randomId = randomId;
    this.#losses = losses;
  }

  /** The topic, where it exists. */
  get(name: string): Topic | undefined {
    return this.#topics.get(name);
  }

  /** The topic, made where it is missing; undefined where there is no room for it. */
  use(name: string): Topic | undefined {
    const known = this.#topics.get(name);
    if (known) {
      if (this.#idle.delete(known)) this.#idle.add(known);
      return known;
    }
    return this.restore(name, this.#randomId(), 0);
  }

  /** Makes a topic whose last message had `offset`; undefined where there is no room for it. */
  restore(name: string, epoch: string, offset: number): Topic | undefined {
    if (this.#topics.size >= this.#bounds.topics && !this.#evict()) return undefined;
    const history = new TopicHistory(epoch, this.#bounds, offset);
    const topic: Topic = { name, history, watchers: new Set() };
    this.#topics.set(name, topic);
    this.#idle.add(topic);
    return topic;
  }

  /** Appends a message to a topic that is in use. */
  append(topic: Topic, message: StoredMessage): void {
    const { history } = topic;
    const before = history.bytes;
    history.append(message);
    this.#bytes += history.bytes - before;
    const { totalHistoryBytes } = this.#bounds;
    while (this.#bytes > totalHistoryBytes && this.#evict(topic));
    if (this.#bytes > totalHistoryBytes) this.#level(history);
  }

  /** Calls `watcher` after every message, and keeps the topic, until the returned function is called. */
  watch(topic: Topic, watcher: (epoch: string, offset: number) => void): () => void {
    topic.watchers.add(watcher);
    this.#idle.delete(topic);
    return () => {
      if (!topic.watchers.delete(watcher) || topic.watchers.size > 0) return;
      if (this.#topics.get(topic.name) === topic) this.#idle.add(topic);
    };
  }

  /** Forgets all topics. */
  clear(): void {
    this.#topics.clear();
    this.#idle.clear();
    this.#bytes = 0;
  }

  /** Forgets the topic unused for longest; false where there is none but `spared`. */
  #evict(spared?: Topic): boolean {
    for (const topic of this.#idle) {
      // The topic that was used last is the last of them.
      if (topic === spared) return false;
      this.#idle.delete(topic);
      this.#topics.delete(topic.name);
      this.#bytes -= topic.history.bytes;
      this.#losses?.forgotten(topic);
      return true;
    }
    return false;
  }

  /** Cuts the largest histories to one size, but leaves the message that was just appended. */
  #level(appended: TopicHistory): void {
    const total = this.#bounds.totalHistoryBytes * (1 - historyReliefShare);
    const topics = [...this.#topics.values()];
    const maxBytes = levelOf(
      topics.map(({ history }) => history.bytes),
      total,
    );
    this.#bytes = 0;
    for (const topic of topics) {
      const { history } = topic;
      if (history.bytes > maxBytes) {
        history.shrink(maxBytes, history === appended ? 1 : 0);
        this.#losses?.shrunk(topic);
      }
      this.#bytes += history.bytes;
    }
  }
}

/** The size to which the largest of `sizes` have to be cut so that the sum is at most `total`. */
function levelOf(sizes: readonly number[], total: number): number {
  let left = total;
  for (const [index, size] of sizes.toSorted((a, b) => a - b).entries()) {
    const share = left / (sizes.length - index);
    if (size > share) return share;
    left -= size;
  }
  return Infinity;
}
