import * as protocolLimits from '../src/protocol/limits.ts';
import type { Backbone, ReadBounds } from './backbone.ts';
import { chunkOf, type Chunk } from './chunk.ts';
import type { FlushScheduler } from './flush-scheduler.ts';
import { chain, isPromise, type MaybePromise } from './maybe-promise.ts';
import { Roster, type Listed } from './roster.ts';

/** A signal to everybody in a topic. */
export interface FeedSignal {
  /** JSON text. */
  readonly payload: string;
  readonly sender: object;
  /** As its sender named it; only the sender gets it. */
  readonly id: string;
}

/** Someone who reads a topic. */
export interface FeedReader extends Listed {
  /** The topic has advanced. */
  wake(): void;
  signal(signal: FeedSignal): void;
}

/** One topic as this server's connections read it: who reads it, and what was read in this turn. */
export class TopicFeed {
  readonly topic: string;
  /** Epoch and offset of the newest message that this server was told of; none yet where undefined. */
  epoch: string | undefined;
  offset = 0;
  readonly #backbone: Backbone;
  readonly #scheduler: FlushScheduler;
  readonly #bounds: ReadBounds;
  readonly #readers = new Roster<FeedReader>();
  /** By the offset that they follow. Kept for one turn only: connections at the same position share them. */
  readonly #chunks = new Map<number, MaybePromise<Chunk>>();

  constructor(topic: string, backbone: Backbone, scheduler: FlushScheduler, maxBytes: number) {
    this.topic = topic;
    this.#backbone = backbone;
    this.#scheduler = scheduler;
    this.#bounds = { maxMessages: protocolLimits.batchEnvelopes, maxBytes };
  }

  /** The backbone says that the topic has a new message. */
  advanced(epoch: string, offset: number): void {
    this.epoch = epoch;
    this.offset = offset;
    if (this.#readers.size > 0) this.#scheduler.advanced(this);
  }

  /** Takes what the backbone says that the topic holds, where it was not told of anything newer. */
  learn(epoch: string, offset: number): void {
    if (this.epoch === epoch && this.offset >= offset) return;
    this.epoch = epoch;
    this.offset = offset;
  }

  /** Whether a position lies behind what this server was told of. */
  isAhead(epoch: string, offset: number): boolean {
    return this.epoch !== undefined && (this.epoch !== epoch || this.offset > offset);
  }

  /** Subscriptions that read the topic. */
  get readers(): number {
    return this.#readers.size;
  }

  add(reader: FeedReader): void {
    this.#readers.add(reader);
  }

  remove(reader: FeedReader): void {
    this.#readers.delete(reader);
  }

  /** Tells every reader that there is something to read. */
  wake(): void {
    this.#readers.each((reader) => reader.wake());
  }

  /** Hands a signal to every reader. */
  signal(signal: FeedSignal): void {
    this.#readers.each((reader) => reader.signal(signal));
  }

  /** Reads what follows `after`, within one frame. */
  read(after: number): MaybePromise<Chunk> {
    const known = this.#chunks.get(after);
    if (known) return known;
    const chunk = chain(this.#backbone.read(this.topic, after, this.#bounds), chunkOf);
    this.#chunks.set(after, chunk);
    // A connection that reads on its own, as after a `received`, reads outside of an advance.
    this.#scheduler.touched(this);
    if (isPromise(chunk)) chunk.then(undefined, () => this.#chunks.delete(after));
    return chunk;
  }

  /** Forgets what was read. */
  forgetChunks(): void {
    this.#chunks.clear();
  }
}
