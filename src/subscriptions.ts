import type { TabItem, TabOp } from '../worker/core/hub-api.ts';
import { onAbort } from './on-abort.ts';
import { checkName, invalid, oneOf } from './options.ts';
import type { Outlet } from './outlet.ts';
import type { ConnectionError } from './protocol/errors.ts';
import * as protocolLimits from './protocol/limits.ts';
import { createSubscription, type TabSubscription } from './subscription.ts';
import type { SubscribeOptions, Subscription } from './types.ts';

/** The subscriptions of a tab that have not ended. */
export function createSubscriptions({ push, ended, trace, sight }: Outlet) {
  const open = new Map<number, TabSubscription<unknown>>();
  let count = 0;

  return {
    subscribe(topic: string, { replay = 0, since, signal }: SubscribeOptions = {}): Subscription {
      checkName('topic', topic, protocolLimits.topicLength);
      if (!Number.isSafeInteger(replay) || replay < 0) invalid('replay', 'an integer from 0 on');
      oneOf('since', since, ['stored']);
      const sub = (count += 1);
      const cursor = since && { keepsCursor: true };
      const op = { kind: 'subscribe', sub, topic, replay, ...cursor, ...trace?.() } as const;
      const heard = (count: number) => sight?.heard(sub, count);
      let unabort = () => {};
      const subscription = createSubscription<unknown>(
        op,
        push,
        () => {
          open.delete(sub);
          sight?.unsubscribed(sub);
          unabort();
        },
        heard,
      );
      open.set(sub, subscription);
      sight?.subscribed(sub);
      push(op);
      const error = ended();
      if (error) subscription.end(error);
      else unabort = onAbort(signal, () => subscription.close());
      return subscription;
    },

    has: (sub: number) => open.has(sub),

    /** A promise where a content has to be read first. */
    take(item: Extract<TabItem, { sub: number }>): void | Promise<void> {
      if (item.kind === 'gap') sight?.gap();
      return open.get(item.sub)?.take(item);
    },

    resume: (): TabOp[] => Array.from(open.values(), (subscription) => subscription.resumeOp()),

    end(error: ConnectionError): void {
      for (const subscription of open.values()) subscription.end(error);
    },
  };
}
