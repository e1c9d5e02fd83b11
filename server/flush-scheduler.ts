import type { Clock } from './clock.ts';

/** A topic with news for its readers, who share what they read of it within a turn. */
export interface Feed {
  wake(): void;
  forgetChunks(): void;
}

/** Something that has output to send. */
export interface Flushable {
  flush(): void;
}

/**
 * Collects who has something to send, and lets them all send at the end of the turn: what happened in
 * one turn goes out as one batch per connection, and an idle server still sends in the turn it received.
 */
export class FlushScheduler {
  readonly #clock: Clock;
  #flushables = new Set<Flushable>();
  #feeds = new Set<Feed>();
  readonly #touched = new Set<Feed>();
  #armed = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** `flushable` has something to send. */
  request(flushable: Flushable): void {
    this.#flushables.add(flushable);
    this.#arm();
  }

  /** The topic of `feed` has advanced. */
  advanced(feed: Feed): void {
    this.#feeds.add(feed);
    this.#arm();
  }

  /** `feed` holds what was read of it, and has to forget that at the end of the turn. */
  touched(feed: Feed): void {
    this.#touched.add(feed);
    this.#arm();
  }

  #arm(): void {
    if (this.#armed) return;
    this.#armed = true;
    this.#clock.defer(() => this.#run());
  }

  #run(): void {
    const feeds = this.#feeds;
    this.#feeds = new Set();
    for (const feed of feeds) feed.wake();
    const flushables = this.#flushables;
    this.#flushables = new Set();
    for (const flushable of flushables) flushable.flush();
    for (const feed of this.#touched) feed.forgetChunks();
    this.#touched.clear();
    this.#armed = false;
    if (this.#flushables.size > 0 || this.#feeds.size > 0) this.#arm();
  }
}
