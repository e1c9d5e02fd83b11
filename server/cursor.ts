import type { Leave } from './presence.ts';
import type { FeedReader, FeedSignal, TopicFeed } from './topic-feed.ts';

/** A gap that the client has yet to be told of. */
export interface Gap {
  readonly reason: 'history' | 'epoch';
  readonly missed?: number;
}

/** How much a client has of a large message. */
export interface PartialMessage {
  readonly offset: number;
  /** Bytes of it. */
  readonly received: number;
}

/** Where a cursor begins. */
export interface CursorStart {
  readonly epoch: string;
  readonly offset: number;
  readonly gap: Gap | undefined;
  readonly partial: PartialMessage | undefined;
  readonly leave: Leave | undefined;
}

/** Whose subscription it is. */
export interface CursorOwner {
  /** Sends what the cursor reads. */
  readonly pump: { wake(cursor: Cursor): void };
  /** Takes a signal of the topic; `re` is its id where it is the client's own. */
  signal(topic: string, payload: string, re: string | undefined): void;
}

/**
 * A live subscription: its position in the history of the topic. This is all that a subscriber costs,
 * however far behind it is: messages wait in the history, not per connection.
 */
export class Cursor implements FeedReader {
  readonly feed: TopicFeed;
  place = -1;
  /** Position of the last message sent. */
  epoch: string;
  offset: number;
  /** Sent before the next message. */
  gap: Gap | undefined;
  /** The large message that the client has a part of. */
  partial: PartialMessage | undefined;
  /** Ends the presence that comes with it, where that is kept. */
  readonly leave: Leave | undefined;
  readonly #owner: CursorOwner;

  constructor(feed: TopicFeed, start: CursorStart, owner: CursorOwner) {
    this.feed = feed;
    this.epoch = start.epoch;
    this.offset = start.offset;
    this.gap = start.gap;
    this.partial = start.partial;
    this.leave = start.leave;
    this.#owner = owner;
  }

  get kind(): 'live' {
    return 'live';
  }

  wake(): void {
    this.#owner.pump.wake(this);
  }

  signal({ payload, sender, id }: FeedSignal): void {
    this.#owner.signal(this.feed.topic, payload, sender === this.#owner ? id : undefined);
  }

  /** Whether there is something to send. */
  get isBehind(): boolean {
    return this.gap !== undefined || this.feed.isAhead(this.epoch, this.offset);
  }
}
