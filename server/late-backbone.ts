import type { Backbone } from './backbone.ts';
import type { MaybePromise } from './maybe-promise.ts';

/** A backbone that keeps the order of its calls but answers all of them later, as one over a network does. */
export function lateBackbone(inner: Backbone): Backbone {
  let turn: Promise<unknown> = Promise.resolve();
  const later = <T>(call: () => MaybePromise<T>): Promise<T> => {
    const result = turn.then(() => new Promise((resolve) => setImmediate(resolve))).then(call);
    turn = result.catch(() => undefined);
    return result;
  };
  return {
    publish: (publication) => later(() => inner.publish(publication)),
    recordRefusal: (client, refusal) => later(() => inner.recordRefusal(client, refusal)),
    read: (topic, after, bounds) => later(() => inner.read(topic, after, bounds)),
    head: (topic) => later(() => inner.head(topic)),
    watch: (topic, advanced) => later(() => inner.watch(topic, advanced)),
    openClient: (opening) => later(() => inner.openClient(opening)),
    closeClient: (key, lease) => later(() => inner.closeClient(key, lease)),
    close: () => later(() => inner.close()),
  };
}
