import type { Position, TabItem, TabOp } from '../worker/core/hub-api.ts';
import { asyncDispose } from './async-dispose.ts';
import { deferred } from './deferred.ts';
import { failure } from './failure.ts';
import { MessageQueue } from './message-queue.ts';
import { ConnectionError } from './protocol/errors.ts';
import type { Gap, Message, Subscription } from './types.ts';

type SubscribeOp = Extract<TabOp, { kind: 'subscribe' }>;

/** An item that belongs to a subscription. */
export type SubscriptionItem = Extract<TabItem, { sub: number }>;

type Row = readonly [id: string, ts: number, payload: unknown];

/** A subscription of this tab, from its op to its end. */
export class TabSubscription<T> implements Subscription<T> {
  readonly topic: string;
  readonly #op: SubscribeOp;
  readonly #send: (op: TabOp) => void;
  readonly #onEnd: (sub: number) => void;
  readonly #ready = deferred<void>();
  readonly #handlers = new Set<(message: Message<T>) => void>();
  readonly #gapHandlers = new Set<(gap: Gap) => void>();
  readonly #queues = new Set<MessageQueue<T>>();
  /** Holds what comes before the first handler or iterator; null from then on. */
  #early: MessageQueue<T> | null = new MessageQueue<T>([], () => {});
  #position: Position | null = null;
  #isPaused = false;
  #hasEnded = false;

  constructor(op: SubscribeOp, send: (op: TabOp) => void, onEnd: (sub: number) => void) {
    this.topic = op.topic;
    this.#op = op;
    this.#send = send;
    this.#onEnd = onEnd;
  }

  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  onMessage(handler: (message: Message<T>) => void): () => void {
    // Each registration counts for itself, even of the same function.
    const own = (message: Message<T>) => handler(message);
    const early = this.#takeEarly();
    this.#handlers.add(own);
    for (const message of early) queueMicrotask(() => this.#handlers.has(own) && own(message));
    return () => void this.#handlers.delete(own);
  }

  onGap(handler: (gap: Gap) => void): () => void {
    const own = (gap: Gap) => handler(gap);
    this.#gapHandlers.add(own);
    return () => void this.#gapHandlers.delete(own);
  }

  [Symbol.asyncIterator](): MessageQueue<T> {
    const queue = new MessageQueue<T>(this.#takeEarly(), (changed) => {
      if (changed.hasEnded) this.#queues.delete(changed);
      this.#updatePause();
    });
    if (this.#hasEnded) queue.end(null);
    else this.#queues.add(queue);
    return queue;
  }

  close(): void {
    if (this.#hasEnded) return;
    this.#send({ kind: 'unsubscribe', sub: this.#op.sub });
    this.end(null);
  }

  async [asyncDispose](): Promise<void> {
    this.close();
  }

  /** The op that begins it anew, at the position where it is. */
  resumeOp(): SubscribeOp {
    this.#isPaused = false;
    return this.#position ? { ...this.#op, since: this.#position } : this.#op;
  }

  /** Ends it without a word to the hub; with an error if it failed. */
  end(error: ConnectionError | null): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#onEnd(this.#op.sub);
    this.#ready.reject(error ?? failure('closed', `the subscription to ${this.topic} was closed`));
    for (const queue of this.#queues) queue.end(error);
    this.#handlers.clear();
    this.#gapHandlers.clear();
  }

  /** Takes what the hub tells of it. */
  take(item: SubscriptionItem): void {
    switch (item.kind) {
      case 'messages':
        return this.#takeRows(item);
      case 'bytes': {
        const { epoch, offset, id, ts, bytes } = item;
        return this.#emit({ topic: this.topic, payload: bytes as T, id, offset, epoch, ts });
      }
      case 'gap':
        return this.#takeGap(item);
      case 'subscribed':
        this.#position ??= item.position;
        return this.#ready.resolve();
      case 'refused':
        return this.end(new ConnectionError(item.error));
      default:
        item satisfies never;
    }
  }

  #takeRows({ epoch, offset, rows, skip }: Extract<SubscriptionItem, { kind: 'messages' }>): void {
    const { topic } = this;
    const parsed = JSON.parse(rows) as Row[];
    for (let index = skip; index < parsed.length; index++) {
      const [id, ts, payload] = parsed[index]!;
      this.#emit({ topic, payload: payload as T, id, offset: offset + index, epoch, ts });
    }
    this.#updatePause();
  }

  #takeGap({ epoch, offset, reason, missed }: Extract<SubscriptionItem, { kind: 'gap' }>): void {
    this.#position = { epoch, offset };
    const gap: Gap = { topic: this.topic, reason, missed, offset, epoch };
    for (const handler of this.#gapHandlers) guarded(handler, gap);
  }

  #emit(message: Message<T>): void {
    this.#position = message;
    for (const handler of this.#handlers) guarded(handler, message);
    for (const queue of this.#queues) queue.push(message);
    this.#early?.push(message);
  }

  #takeEarly(): Message<T>[] {
    const early = this.#early?.drain() ?? [];
    this.#early = null;
    this.#updatePause();
    return early;
  }

  /** Holds the hub back while an iterator has too much to read, or nobody has begun to. */
  #updatePause(): void {
    const queues = this.#early ? [this.#early] : [...this.#queues];
    const isFull = queues.some((queue) => queue.isFull);
    const isLow = queues.every((queue) => queue.isLow);
    if (this.#hasEnded || (this.#isPaused ? !isLow : !isFull)) return;
    this.#isPaused = !this.#isPaused;
    this.#send({ kind: this.#isPaused ? 'pause' : 'resume', sub: this.#op.sub });
  }
}

/** A handler that throws is an error of the page, and no reason to keep messages from the others. */
function guarded<V>(handler: (value: V) => void, value: V): void {
  try {
    handler(value);
  } catch (error) {
    reportError(error);
  }
}
