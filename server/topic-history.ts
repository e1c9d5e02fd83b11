import { encodeBinary, encodeEnvelope } from '../src/protocol/codec.ts';
import type { TraceContext } from '../src/protocol/trace-context.ts';
import type {
  EncodedPayload,
  HistorySlice,
  LargePayload,
  ReadBounds,
  StoredMessage,
  TopicHead,
} from './backbone.ts';
import { isLarge } from './large-payload.ts';

/** Bounds of one history. */
export interface HistoryBounds {
  readonly historyMessages: number;
  readonly historyBytes: number;
}

/** Where a message goes, and what it says. */
export interface NewMessage {
  readonly topic: string;
  readonly epoch: string;
  readonly offset: number;
  readonly id: string;
  /** Milliseconds since the Unix epoch. */
  readonly ts: number;
  readonly trace?: TraceContext | undefined;
}

/** Encodes a message once, for the history and for all its receivers. */
export function encodeMessage(message: NewMessage, payload: EncodedPayload): StoredMessage {
  const { topic, epoch, offset, id, ts, trace } = message;
  const plain = { type: 'message', id, ts, topic, epoch, offset } as const;
  const head = trace ? { ...plain, trace } : plain;
  if (isLarge(payload)) {
    const { id: name, size, form, mime } = payload;
    const transfer = { id: name, size, form, ...(mime !== undefined && { mime }), at: 0 };
    return storedMessage(offset, encodeEnvelope({ head: { ...head, payload: null, transfer } }), payload);
  }
  const frame =
    typeof payload === 'string' ? encodeEnvelope({ head, json: payload }) : encodeBinary(head, payload);
  return storedMessage(offset, frame);
}

/** A message whose envelope is encoded already. */
export const storedMessage = (
  offset: number,
  frame: string | Uint8Array,
  large?: LargePayload,
): StoredMessage => ({
  offset,
  frame,
  bytes: (typeof frame === 'string' ? Buffer.byteLength(frame) : frame.byteLength) + (large?.size ?? 0),
  ...(large && { large }),
});

/** The bounded, ordered messages of one incarnation of a topic. */
export class TopicHistory {
  readonly epoch: string;
  readonly #bounds: HistoryBounds;
  /** Kept messages begin at `#first`; what is before it is cut off now and then, not at every append. */
  #messages: (StoredMessage | undefined)[] = [];
  #first = 0;
  #bytes = 0;
  #offset: number;

  /** `offset` is that of the last message before this history; 0 for a new one. */
  constructor(epoch: string, bounds: HistoryBounds, offset = 0) {
    this.epoch = epoch;
    this.#bounds = bounds;
    this.#offset = offset;
  }

  /** Bytes of all kept messages. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Appends the message with the next offset. It is kept whatever its size: it has just been accepted. */
  append(message: StoredMessage): void {
    this.#offset = message.offset;
    this.#messages.push(message);
    this.#bytes += message.bytes;
    this.#trim(this.#bounds, 1);
  }

  /** Forgets the oldest messages, down to `maxBytes`, but keeps the newest `least`. */
  shrink(maxBytes: number, least: number): void {
    this.#trim({ historyMessages: this.#kept, historyBytes: maxBytes }, least);
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

  #trim({ historyMessages, historyBytes }: HistoryBounds, least: number): void {
    while (this.#kept > least && (this.#kept > historyMessages || this.#bytes > historyBytes)) {
      this.#bytes -= this.#messages[this.#first]!.bytes;
      this.#messages[this.#first++] = undefined;
    }
    if (this.#first > this.#kept) {
      this.#messages = this.#messages.slice(this.#first);
      this.#first = 0;
    }
  }
}
