import type { Position, TabItem } from '../worker/core/hub-api.ts';
import { ContentLine } from './content-line.ts';
import { Handlers } from './handlers.ts';
import type { createInbox } from './inbox.ts';
import { traceContextOf, type TraceContext } from './protocol/trace-context.ts';
import { report } from './report.ts';
import type { Gap, Message, Progress, Signal } from './types.ts';

type ItemOf<K extends TabItem['kind']> = Extract<TabItem, { kind: K }>;
/** What comes in a topic. */
export type FeedItem = ItemOf<'messages' | 'bytes' | 'large' | 'gap' | 'progress' | 'signal'>;

type Row = readonly [id: string, ts: number, payload: unknown, trace?: unknown];

/** As a field of a message; none where there is no trace, or what came is none. */
function traced(came: unknown): { readonly trace?: TraceContext } {
  const trace = came === undefined ? undefined : traceContextOf(came);
  return trace ? { trace } : {};
}

/** What a subscription hears, in the order in which it comes. */
export class Feed<T> {
  readonly messages = new Handlers<Message<T>>();
  readonly gaps = new Handlers<Gap>();
  readonly progress = new Handlers<Progress>();
  readonly signals = new Handlers<Signal>();
  readonly #topic: string;
  readonly #inbox: ReturnType<typeof createInbox<Message<T>>>;
  /** Told how many messages the handlers get. */
  readonly #heard: (count: number) => void;
  readonly #line = new ContentLine();
  /** Of the last message or gap that was told. */
  position: Position | undefined;

  constructor(
    topic: string,
    inbox: ReturnType<typeof createInbox<Message<T>>>,
    heard: (count: number) => void,
  ) {
    this.#heard = heard;
    this.#topic = topic;
    this.#inbox = inbox;
  }

  /** A promise where a content has to be read first. */
  take(item: FeedItem): void | Promise<void> {
    // A signal is of this moment: it waits behind no content.
    if (item.kind === 'signal') return this.#signal(item);
    if (item.kind !== 'large') return this.#line.pass(() => this.#take(item));
    const { kind: _, sub, large, trace, ...rest } = item;
    return this.#line.read(
      large,
      (payload) => this.#tell([{ topic: this.#topic, payload: payload as T, ...rest, ...traced(trace) }]),
      (error) => {
        report(error);
        const { epoch, offset } = rest;
        this.#take({ kind: 'gap', sub, epoch, offset, reason: 'slow-tab', missed: 1 });
      },
    );
  }

  /** What waits comes again. */
  drop(): void {
    this.#line.drop();
  }

  end(): void {
    this.#line.drop();
    for (const handlers of [this.messages, this.gaps, this.progress, this.signals]) handlers.clear();
  }

  #take(item: Exclude<FeedItem, { kind: 'large' | 'signal' }>): void {
    const { kind: _, sub: __, ...told } = item;
    switch (item.kind) {
      case 'messages':
      case 'bytes':
        return this.#tell(messagesOf<T>(this.#topic, item));
      case 'progress':
        return this.progress.tell({
          ...(told as Omit<Progress, 'topic' | 'ratio'>),
          topic: this.#topic,
          ratio: item.received / item.size,
        });
      case 'gap':
        this.position = item;
        return this.gaps.tell({ topic: this.#topic, ...(told as Omit<Gap, 'topic'>) });
      default:
        item satisfies never;
    }
  }

  #signal({ identity, json }: ItemOf<'signal'>): void {
    this.signals.tell({ topic: this.#topic, identity, payload: JSON.parse(json) });
  }

  #tell(messages: readonly Message<T>[]): void {
    this.#heard(messages.length);
    for (const message of messages) {
      this.position = message;
      this.messages.tell(message);
      this.#inbox.push(message);
    }
    this.#inbox.update();
  }
}

/** The messages of an item that their subscription wants. */
function messagesOf<T>(
  topic: string,
  { epoch, offset, ...item }: Extract<TabItem, { kind: 'messages' | 'bytes' }>,
): Message<T>[] {
  if (item.kind === 'bytes') {
    const { id, ts, bytes, trace } = item;
    return [{ topic, payload: bytes as T, id, offset, epoch, ts, ...traced(trace) }];
  }
  const messages = (JSON.parse(item.rows) as Row[]).map(([id, ts, payload, trace], index) => ({
    topic,
    payload: payload as T,
    id,
    offset: offset + index,
    epoch,
    ts,
    ...traced(trace),
  }));
  return item.skip ? messages.slice(item.skip) : messages;
}
