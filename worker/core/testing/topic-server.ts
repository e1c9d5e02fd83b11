import type { ServerEnvelope } from '../../../src/protocol/schema.ts';
import type { Position } from '../hub-api.ts';
import type { TopicRequest } from '../topic-request.ts';
import { gap, message, subscribed } from './topics.ts';

/** Bytes of the message with this offset, if it is large. They come one in each chunk; after two, it begins anew. */
export const largeSize = (offset: number): number | undefined => (offset % 5 === 2 ? offset % 4 : undefined);

/** One topic of a server, and the one connection that reads it, as the protocol says. */
export class TopicServer {
  #epoch = 1;
  #head = 0;
  /** Offset of the oldest message kept. */
  #oldest = 1;
  #cursor: { epoch: string; offset: number; partial?: { offset: number; received: number } } | null = null;
  /** Bytes that were sent of the large message after the cursor; null before it was told of. */
  #sent: number | null = null;
  readonly #answers: ServerEnvelope[] = [];

  get head(): Position {
    return { epoch: `e${this.#epoch}`, offset: this.#head };
  }

  publish(count: number): void {
    this.#head += count;
  }

  /** Forgets all but the newest `kept` messages. */
  trim(kept: number): void {
    this.#oldest = Math.max(this.#oldest, this.#head - kept + 1);
  }

  beginAnew(): void {
    this.#epoch += 1;
    this.#head = 0;
    this.#oldest = 1;
  }

  disconnect(): void {
    this.#cursor = this.#sent = null;
    this.#answers.length = 0;
  }

  take(request: TopicRequest): void {
    if (request.kind === 'unsubscribe') {
      this.disconnect();
      return;
    }
    const { resume, replay, id: re, partial } = request;
    const { epoch, offset: head } = this.head;
    const first = this.#oldest - 1;
    const isKnown = resume !== null && resume.epoch === epoch && resume.offset <= head;
    const wanted = resume === null ? head - replay : isKnown ? resume.offset : first;
    const offset = Math.max(first, wanted);
    this.#cursor = { epoch, offset, ...(partial && isKnown && partial.received !== 2 && { partial }) };
    this.#sent = null;
    this.#answers.push(subscribed({ re, epoch, offset, head }));
    if (resume !== null && (!isKnown || offset > resume.offset)) this.#answers.push(this.#gap(isKnown));
  }

  /** What the connection brings next; undefined if it has nothing to tell. */
  next(): ServerEnvelope | undefined {
    const answer = this.#answers.shift();
    if (answer || !this.#cursor) return answer;
    const { epoch, offset } = this.head;
    const isSameEpoch = this.#cursor.epoch === epoch;
    if (!isSameEpoch || this.#cursor.offset < this.#oldest - 1) {
      this.#cursor = { epoch, offset: this.#oldest - 1 };
      this.#sent = null;
      return this.#gap(isSameEpoch);
    }
    if (this.#cursor.offset >= offset) return undefined;
    const next = this.#cursor.offset + 1;
    const size = largeSize(next);
    if (size !== undefined) return this.#nextLarge(epoch, next, size);
    this.#cursor.offset = next;
    return message({ epoch, offset: next });
  }

  #nextLarge(epoch: string, offset: number, size: number): ServerEnvelope {
    const cursor = this.#cursor!;
    const id = `${epoch}:${offset}`;
    const before = this.#sent;
    const at = before ?? (cursor.partial?.offset === offset ? cursor.partial.received : 0);
    this.#sent = before === null ? at : at + 1;
    if (this.#sent === size) {
      cursor.offset = offset;
      this.#sent = null;
    }
    if (before === null)
      return message({ epoch, offset, payload: null, transfer: { id, size, form: 'blob', at } });
    return { type: 'chunk', id: 'x', ts: 1, transfer: id, at, payload: new Uint8Array(1) };
  }

  #gap(isSameEpoch: boolean): ServerEnvelope {
    const reason = isSameEpoch ? 'history' : 'epoch';
    return gap({ epoch: this.head.epoch, offset: this.#cursor!.offset, payload: { reason } });
  }
}
