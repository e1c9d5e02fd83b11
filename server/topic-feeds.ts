import type { Backbone, WatchResult } from './backbone.ts';
import type { FlushScheduler } from './flush-scheduler.ts';
import { chain, isPromise, type MaybePromise } from './maybe-promise.ts';
import type { Measures } from './sight/measures.ts';
import type { ServerStats } from './stats.ts';
import { TopicFeed, type FeedSignal } from './topic-feed.ts';

/** What feeds need of their server. */
interface FeedsOwner {
  readonly backbone: Backbone;
  readonly scheduler: FlushScheduler;
  readonly stats: ServerStats;
  readonly measures: Measures;
}

interface FeedEntry {
  readonly feed: TopicFeed;
  readonly watch: MaybePromise<WatchResult>;
  users: number;
}

/** The feeds of all topics with a subscription on this server: one watch of the backbone per topic. */
export class TopicFeeds {
  readonly #backbone: Backbone;
  readonly #scheduler: FlushScheduler;
  readonly #stats: ServerStats;
  readonly #measures: Measures;
  readonly #maxBytes: number;
  readonly #entries = new Map<string, FeedEntry>();

  constructor({ backbone, scheduler, stats, measures }: FeedsOwner, maxBytes: number) {
    this.#backbone = backbone;
    this.#measures = measures;
    this.#scheduler = scheduler;
    this.#stats = stats;
    this.#maxBytes = maxBytes;
  }

  /** The feed of a topic, undefined where there is no room for it. Every feed is released once. */
  acquire(topic: string): MaybePromise<TopicFeed | undefined> {
    const entry = this.#entries.get(topic) ?? this.#open(topic);
    entry.users++;
    return chain(this.#watched(entry), (watching) => {
      if (watching) return entry.feed;
      this.#release(entry);
      return undefined;
    });
  }

  /** Ends one use of a feed; the last one ends the watch. */
  release(feed: TopicFeed): void {
    const entry = this.#entries.get(feed.topic);
    if (entry?.feed === feed) this.#release(entry);
  }

  /** Hands a signal to all who read the topic. A backbone of several servers would pass it on here. */
  signal(topic: string, signal: FeedSignal): void {
    this.#entries.get(topic)?.feed.signal(signal);
  }

  #open(topic: string): FeedEntry {
    const feed = new TopicFeed(topic, this.#backbone, this.#scheduler, this.#maxBytes);
    const { fanOut } = this.#measures;
    const watch = this.#backbone.watch(topic, (epoch, offset) => {
      if (feed.readers > 0) fanOut.observe(feed.readers);
      feed.advanced(epoch, offset);
    });
    const entry = { feed, watch, users: 0 };
    this.#entries.set(topic, entry);
    this.#stats.topics = this.#entries.size;
    return entry;
  }

  #watched(entry: FeedEntry): MaybePromise<boolean> {
    const isWatching = (result: WatchResult) => result.kind === 'watching';
    if (!isPromise(entry.watch)) return isWatching(entry.watch);
    return entry.watch.then(isWatching, (reason: unknown) => {
      this.#release(entry);
      throw reason;
    });
  }

  #release(entry: FeedEntry): void {
    if (--entry.users > 0) return;
    this.#entries.delete(entry.feed.topic);
    this.#stats.topics = this.#entries.size;
    const stop = (result: WatchResult) => {
      if (result.kind === 'watching') result.stop();
    };
    // A watch that failed has nothing to stop.
    if (isPromise(entry.watch)) entry.watch.then(stop, () => undefined);
    else stop(entry.watch);
  }
}
