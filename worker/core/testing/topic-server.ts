import type { ServerEnvelope } from '../../../src/protocol/schema.ts';
import type { Position } from '../hub-api.ts';
import type { TopicRequest } from '../topics.ts';
import { gap, message, subscribed } from './topics.ts';

/** One topic of a server, and the one connection that reads it, as the protocol says. */
export class TopicServer {
  #epoch = 1;
  #head = 0;
  /** Offset of the oldest message kept. */
  #oldest = 1;
  #cursor: { epoch: string; offset: number } | null = null;
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
    this.#cursor = null;
    this.#answers.length = 0;
  }

  take(request: TopicRequest): void {
    if (request.kind === 'unsubscribe') {
      this.disconnect();
      return;
    }
    const { resume, replay, id: re } = request;
    const { epoch, offset: head } = this.head;
    const first = this.#oldest - 1;
    const isKnown = resume !== null && resume.epoch === epoch && resume.offset <= head;
    const wanted = resume === null ? head - replay : isKnown ? resume.offset : first;
    const offset = Math.max(first, wanted);
    this.#cursor = { epoch, offset };
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
      return this.#gap(isSameEpoch);
    }
    if (this.#cursor.offset >= offset) return undefined;
    this.#cursor.offset += 1;
    return message({ epoch, offset: this.#cursor.offset });
  }

  #gap(isSameEpoch: boolean): ServerEnvelope {
    const reason = isSameEpoch ? 'history' : 'epoch';
    return gap({ epoch: this.head.epoch, offset: this.#cursor!.offset, payload: { reason } });
  }
}
