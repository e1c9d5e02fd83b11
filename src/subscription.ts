import type { Position, TabItem, TabOp } from '../worker/core/hub-api.ts';
import { asyncDispose } from './async-dispose.ts';
import { deferred } from './deferred.ts';
import { failure } from './failure.ts';
import { createInbox } from './inbox.ts';
import { ConnectionError } from './protocol/errors.ts';
import { report } from './report.ts';
import type { Gap, Message, Subscription } from './types.ts';

type SubscribeOp = Extract<TabOp, { kind: 'subscribe' }>;

type Row = readonly [id: string, ts: number, payload: unknown];

/** A subscription as its tab keeps it. */
export interface TabSubscription<T> extends Subscription<T> {
  /** The op that begins it anew, at the position where it is. */
  resumeOp(): SubscribeOp;
  /** Takes what the hub tells of it. */
  take(item: Extract<TabItem, { sub: number }>): void;
  /** Ends it without a word to the hub; with an error if it failed. Only the first end counts. */
  end(error: ConnectionError | null): void;
}

/** A subscription of this tab, from its op to its end. */
export function createSubscription<T>(
  op: SubscribeOp,
  send: (op: TabOp) => void,
  onEnd: () => void,
): TabSubscription<T> {
  const { topic, sub } = op;
  const ready = deferred<void>();
  const handlers = new Set<(message: Message<T>) => void>();
  const gapHandlers = new Set<(gap: Gap) => void>();
  const inbox = createInbox<Message<T>>((isPaused) => send({ kind: isPaused ? 'pause' : 'resume', sub }));
  let position: Position | undefined;

  function end(error: ConnectionError | null): void {
    onEnd();
    ready.reject(error ?? failure('closed', 'closed'));
    // A loop ends in peace where the app itself has closed.
    inbox.end(error?.code === 'closed' ? null : error);
    handlers.clear();
    gapHandlers.clear();
  }

  function close(): void {
    send({ kind: 'unsubscribe', sub });
    end(null);
  }

  function take(item: Extract<TabItem, { sub: number }>): void {
    switch (item.kind) {
      case 'messages':
      case 'bytes':
        for (const message of messagesOf<T>(topic, item)) {
          position = message;
          for (const handler of handlers) guarded(handler, message);
          inbox.push(message);
        }
        return inbox.update();
      case 'gap': {
        const { kind: _, sub: __, ...gap } = item;
        position = gap;
        for (const handler of gapHandlers) guarded(handler, { topic, ...gap });
        return;
      }
      case 'subscribed':
        position ??= item.position;
        return ready.resolve();
      case 'refused':
        return end(new ConnectionError(item.error));
      default:
        item satisfies never;
    }
  }

  return {
    topic,
    ready: ready.promise,
    close,
    end,
    take,
    [Symbol.asyncIterator]: inbox.read,
    [asyncDispose]: async () => close(),

    onMessage(handler) {
      const unregister = registered(handlers, handler);
      for (const message of inbox.takeEarly()) {
        queueMicrotask(() => handlers.has(handler) && guarded(handler, message));
      }
      return unregister;
    },

    onGap: (handler) => registered(gapHandlers, handler),

    resumeOp() {
      inbox.resume();
      // What stands there is often a whole message, whose payload has no business in an op or on the wire.
      return { ...op, since: position && { epoch: position.epoch, offset: position.offset } };
    },
  };
}

function registered<V>(handlers: Set<V>, handler: V): () => void {
  handlers.add(handler);
  return () => void handlers.delete(handler);
}

/** The messages of an item that their subscription wants. */
function messagesOf<T>(
  topic: string,
  { epoch, offset, ...item }: Extract<TabItem, { kind: 'messages' | 'bytes' }>,
): Message<T>[] {
  if (item.kind === 'bytes') {
    const { id, ts, bytes } = item;
    return [{ topic, payload: bytes as T, id, offset, epoch, ts }];
  }
  const messages = (JSON.parse(item.rows) as Row[]).map(([id, ts, payload], index) => ({
    topic,
    payload: payload as T,
    id,
    offset: offset + index,
    epoch,
    ts,
  }));
  return item.skip ? messages.slice(item.skip) : messages;
}

/** A handler that throws is an error of the page, and no reason to keep messages from the others. */
function guarded<V>(handler: (value: V) => void, value: V): void {
  try {
    handler(value);
  } catch (error) {
    report(error);
  }
}
