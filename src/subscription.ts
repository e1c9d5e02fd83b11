import type { TabItem, TabOp } from '../worker/core/hub-api.ts';
import { asyncDispose } from './async-dispose.ts';
import { deferred } from './deferred.ts';
import { failure } from './failure.ts';
import { Feed } from './feed.ts';
import { Handlers } from './handlers.ts';
import { createInbox } from './inbox.ts';
import { ConnectionError } from './protocol/errors.ts';
import type { Message, Subscription } from './types.ts';

type SubscribeOp = Extract<TabOp, { kind: 'subscribe' }>;

type SubscriptionItem = Extract<TabItem, { sub: number }>;

/** A subscription as its tab keeps it. */
export interface TabSubscription<T> extends Subscription<T> {
  /** The op that begins it anew, at the position where it is. */
  resumeOp(): SubscribeOp;
  /** Takes what the hub tells of it; a promise where a content has to be read first. */
  take(item: SubscriptionItem): void | Promise<void>;
  /** Ends it without a word to the hub; with an error if it failed. Only the first end counts. */
  end(error: ConnectionError | null): void;
}

/** A subscription of this tab, from its op to its end. */
export function createSubscription<T>(
  op: SubscribeOp,
  send: (op: TabOp) => void,
  onEnd: () => void,
  heard: (count: number) => void = () => {},
): TabSubscription<T> {
  const { topic, sub } = op;
  const ready = deferred<void>();
  const inbox = createInbox<Message<T>>((isPaused) => send({ kind: isPaused ? 'pause' : 'resume', sub }));
  const feed = new Feed<T>(topic, inbox, heard);
  const ends = new Handlers<ConnectionError>();

  function end(error: ConnectionError | null): void {
    feed.end();
    onEnd();
    ready.reject(error ?? failure('closed', 'closed'));
    // A loop ends in peace where the app itself has closed.
    const failed = error?.code === 'closed' ? null : error;
    inbox.end(failed);
    if (failed) ends.tell(failed);
    ends.clear();
  }

  function close(): void {
    send({ kind: 'unsubscribe', sub });
    end(null);
  }

  function take(item: SubscriptionItem): void | Promise<void> {
    switch (item.kind) {
      case 'subscribed':
        feed.position ??= item.position;
        return ready.resolve();
      case 'refused':
        return end(new ConnectionError(item.error));
      default:
        return feed.take(item);
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
      const unregister = feed.messages.add(handler);
      for (const message of inbox.takeEarly()) queueMicrotask(() => feed.messages.tellOne(handler, message));
      return unregister;
    },

    onGap: feed.gaps.add,
    onProgress: feed.progress.add,
    onSignal: feed.signals.add,
    onEnd: ends.add,

    resumeOp() {
      inbox.resume();
      feed.drop();
      const { position } = feed;
      const { trace, ...anew } = op;
      // What stands there is often a whole message, whose payload has no business in an op or on the wire.
      // The trace is that of the first time: what is begun anew later is not the doing of a click.
      if (!position) return op;
      return { ...anew, since: { epoch: position.epoch, offset: position.offset } };
    },
  };
}
