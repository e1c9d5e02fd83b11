import type { EncodedPayload, HistorySlice, ReadBounds, StoredMessage, TopicHead } from './backbone.ts';
import { storedMessage } from './stored-message.ts';

/** Bounds of one history. */
export interface HistoryBounds {
  readonly historyMessages: number;
  readonly historyBytes: number;
}

/** The bounded, ordered messages of one incarnation of a topic. */
export class TopicHistory {
  readonly epoch: string;
  readonly #topic: string;
  readonly #bounds: HistoryBounds;
  /** Kept messages begin at `#first`; what is before it is cut off now and then, not at every append. */
  #messages: (StoredMessage | undefined)[] = [];
  #first = 0;
  #bytes = 0;
  #offset = 0;

  constructor(topic: string, epoch: string, bounds: HistoryBounds) {
    this.#topic = topic;
    this.epoch = epoch;
    this.#bounds = bounds;
  }

  /** Appends a message and returns its offset. */
  append(id: string, ts: number, payload: EncodedPayload): number {
    const offset = ++this.#offset;
    const message = storedMessage({ id, ts, topic: this.#topic, epoch: this.epoch, offset }, payload);
    this.#messages.push(message);
    this.#bytes += message.bytes;
    this.#trim();
    return offset;
  }

  /** What the history holds now. */
  head(): TopicHead {
    return { epoch: this.epoch, oldest: this.#oldest, offset: this.#offset };
  }

  /** The messages after `after`, within the bounds, and at least one where there is one. */
  read(after: number, bounds: ReadBounds): HistorySlice {
    const messages: StoredMessage[] = [];
    let bytes = 0;
    let index = this.#first + Math.max(0, after + 1 - this.#oldest);
    for (; index < this.#messages.length && messages.length < bounds.maxMessages; index++) {
      const message = this.#messages[index]!;
      bytes += message.bytes;
      if (bytes > bounds.maxBytes && messages.length > 0) break;
      messages.push(message);
    }
    return { epoch: this.epoch, oldest: this.#oldest, offset: this.#offset, messages };
  }

  get #kept(): number {
    return this.#messages.length - this.#first;
  }

  get #oldest(): number {
    return this.#offset - this.#kept + 1;
  }

  /** Keeps the newest message whatever its size: it has just been accepted. */
  #trim(): void {
    const { historyMessages, historyBytes } = this.#bounds;
    while (this.#kept > 1 && (this.#kept > historyMessages || this.#bytes > historyBytes)) {
      this.#bytes -= this.#messages[this.#first]!.bytes;
      this.#messages[this.#first++] = undefined;
    }
    if (this.#first > this.#kept) {
      this.#messages = this.#messages.slice(this.#first);
      this.#first = 0;
    }
  }
}
