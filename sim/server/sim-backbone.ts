import type {
  Backbone,
  ClientOpening,
  ClientSequence,
  OpenResult,
  Publication,
  PublishResult,
  TopicHead,
} from '../../server/backbone.ts';
import type { MaybePromise } from '../../server/maybe-promise.ts';
import type { Random } from '../kernel/random.ts';
import type { Realm } from '../kernel/realm.ts';

/** What happened to a publish, as it happened. */
export interface HandledPublish {
  readonly publication: Publication;
  readonly result: PublishResult;
  /** Messages that the topic keeps now. */
  readonly kept: number;
}

/** An opening of a client's record, as it was answered. */
export interface ClientOpened {
  readonly opening: ClientOpening;
  readonly result: OpenResult;
}

/** Hears what takes effect. */
export interface BackboneObserver {
  handled(publish: HandledPublish): void;
  opened(client: ClientOpened): void;
}

/** How the way to the backbone behaves. */
export interface BackboneWay {
  /** Zero answers at once, as memory does. */
  readonly delayMs: number;
  /** How often the outcome of a call is unknown. */
  readonly failRate: number;
  readonly random: Random;
}

/**
 * A backbone as one server process reaches it: late, at times without an answer, and no longer once the process has died.
 * Calls take effect in their order; after a failed publish none of the same lease does, as the contract wants it.
 */
export function simBackbone(
  realm: Realm,
  inner: Backbone,
  way: BackboneWay,
  observer: BackboneObserver,
): Backbone {
  const stops = new Set<() => void>();
  realm.onDeath(() => stops.forEach((stop) => stop()));
  const broken = new Set<number>();
  let lastAt = 0;

  function later<T>(call: () => MaybePromise<T>, lease?: number): MaybePromise<T> {
    if (way.delayMs === 0) return call();
    if (!realm.emits()) return new Promise<T>(() => {});
    const { kernel } = realm;
    lastAt = Math.max(lastAt, kernel.now + way.random.next() * way.delayMs);
    const isLost = way.random.chance(way.failRate);
    const isBefore = way.random.chance(0.5);
    return new Promise((resolve, reject) => {
      kernel.scheduleAt(lastAt, () => {
        const isRefused = lease !== undefined && broken.has(lease);
        const result = isRefused || (isLost && isBefore) ? undefined : (call() as T);
        if (isLost && lease !== undefined) broken.add(lease);
        realm.after(way.random.next() * way.delayMs, () => {
          if (isLost || isRefused) reject(new Error('the backbone does not answer'));
          else resolve(result as T);
        });
      });
    });
  }

  const publish = (publication: Publication): PublishResult => {
    const result = inner.publish(publication) as PublishResult;
    const { offset, oldest } = inner.head(publication.topic) as TopicHead;
    observer.handled({ publication, result, kept: offset - oldest + 1 });
    return result;
  };
  return {
    publish: (publication) => later(() => publish(publication), publication.client?.lease),
    recordRefusal: (client: ClientSequence, refusal) =>
      later(() => inner.recordRefusal(client, refusal), client.lease),
    read: (topic, after, bounds) => later(() => inner.read(topic, after, bounds)),
    head: (topic) => later(() => inner.head(topic)),
    watch: (topic, advanced) =>
      later(() => {
        const told = (epoch: string, offset: number) => realm.enter(() => advanced(epoch, offset));
        const watching = inner.watch(topic, told) as Awaited<ReturnType<Backbone['watch']>>;
        if (watching.kind === 'full') return watching;
        const stop = () => {
          stops.delete(stop);
          watching.stop();
        };
        if (realm.isDead) stop();
        else stops.add(stop);
        return { kind: 'watching' as const, stop };
      }),
    openClient: (opening) =>
      later(() => {
        const result = inner.openClient(opening) as OpenResult;
        observer.opened({ opening, result });
        return result;
      }),
    closeClient: (key, lease) => later(() => inner.closeClient(key, lease)),
    close: () => {},
  };
}
