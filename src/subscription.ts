import type { Position, TabItem, TabOp } from '../worker/core/hub-api.ts';
import { asyncDispose } from './async-dispose.ts';
import { deferred } from './deferred.ts';
import { failure } from './failure.ts';
import * as tabLimits from './limits.ts';
import { ConnectionError } from './protocol/errors.ts';
import type { Gap, Message, Subscription } from './types.ts';

type SubscribeOp = Extract<TabOp, { kind: 'subscribe' }>;

/** An item that belongs to a subscription. */
export type SubscriptionItem = Extract<TabItem, { sub: number }>;

type Row = readonly [id: string, ts: number, payload: unknown];

/** Messages on their way into one `for await` loop, or to whoever asks first. */
interface Reader<T> {
  readonly messages: Message<T>[];
  wake(): void;
}

/** A subscription as the client keeps it. */
export interface TabSubscription<T> extends Subscription<T> {
  /** The op that begins it anew, at the position where it is. */
  resumeOp(): SubscribeOp;
  /** Takes what the hub tells of it. */
  take(item: SubscriptionItem): void;
  /** Ends it without a word to the hub; with an error if it failed. */
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
  /** Holds what comes before the first handler or loop; null from then on. */
  let early: Reader<T> | null = { messages: [], wake() {} };
  const readers = new Set([early]);
  let position: Position | undefined;
  let isPaused = false;
  /** How it ended; null while it goes on. */
  let ended: { readonly error: ConnectionError | null } | null = null;

  /** Holds the hub back while a loop has too much to read, or nobody has begun to. */
  function updatePause(): void {
    let waiting = 0;
    for (const { messages } of readers) waiting = Math.max(waiting, messages.length);
    const isDue = isPaused ? waiting <= tabLimits.iteratorLowWater : waiting >= tabLimits.iteratorHighWater;
    if (ended || !isDue) return;
    isPaused = !isPaused;
    send({ kind: isPaused ? 'pause' : 'resume', sub });
  }

  function takeEarly(): Message<T>[] {
    const messages = early?.messages ?? [];
    if (early) readers.delete(early);
    early = null;
    updatePause();
    return messages;
  }

  function emit(message: Message<T>): void {
    position = message;
    for (const handler of handlers) guarded(handler, message);
    for (const reader of readers) {
      reader.messages.push(message);
      reader.wake();
    }
  }

  function end(error: ConnectionError | null): void {
    if (ended) return;
    ended = { error };
    onEnd();
    ready.reject(error ?? failure('closed', 'the subscription was closed'));
    for (const reader of readers) reader.wake();
    handlers.clear();
    gapHandlers.clear();
  }

  function close(): void {
    if (!ended) send({ kind: 'unsubscribe', sub });
    end(null);
  }

  return {
    topic,
    ready: ready.promise,
    close,
    end,
    [asyncDispose]: async () => close(),

    onMessage(handler) {
      // Each registration counts for itself, even of the same function.
      const own = (message: Message<T>) => handler(message);
      handlers.add(own);
      for (const message of takeEarly()) queueMicrotask(() => handlers.has(own) && own(message));
      return () => void handlers.delete(own);
    },

    onGap(handler) {
      const own = (gap: Gap) => handler(gap);
      gapHandlers.add(own);
      return () => void gapHandlers.delete(own);
    },

    async *[Symbol.asyncIterator]() {
      const reader: Reader<T> = { messages: takeEarly(), wake() {} };
      readers.add(reader);
      try {
        for (;;) {
          const message = reader.messages.shift();
          if (message) {
            updatePause();
            yield message;
          } else if (ended) {
            if (ended.error) throw ended.error;
            return;
          } else {
            await new Promise<void>((wake) => (reader.wake = wake));
          }
        }
      } finally {
        readers.delete(reader);
        updatePause();
      }
    },

    resumeOp() {
      isPaused = false;
      return { ...op, since: position };
    },

    take(item) {
      switch (item.kind) {
        case 'messages': {
          const { epoch, offset, rows, skip } = item;
          (JSON.parse(rows) as Row[]).forEach(([id, ts, payload], index) => {
            if (index >= skip) emit({ topic, payload: payload as T, id, offset: offset + index, epoch, ts });
          });
          return updatePause();
        }
        case 'bytes': {
          const { kind: _, sub: __, bytes, ...place } = item;
          emit({ topic, payload: bytes as T, ...place });
          return updatePause();
        }
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
    },
  };
}

/** A handler that throws is an error of the page, and no reason to keep messages from the others. */
function guarded<V>(handler: (value: V) => void, value: V): void {
  try {
    handler(value);
  } catch (error) {
    reportError(error);
  }
}
