import type { ClientMessage } from '../src/protocol/schema.ts';
import type { TopicHead } from './backbone.ts';
import type { ServerContext } from './context.ts';
import { Cursor, type CursorOwner, type Gap } from './cursor.ts';
import { FewMap } from './few-map.ts';
import { withDeadline } from './guard.ts';
import { chain, settle, type MaybePromise } from './maybe-promise.ts';
import type { Outbound } from './outbound.ts';
import { forbidden, type Policy } from './policy.ts';
import type { Pump } from './pump.ts';
import type { Leave } from './presence.ts';
import type { ReadGate } from './read-gate.ts';
import { wireFailure, type Refusal } from './request-error.ts';
import type { Spans } from './sight/spans.ts';
import type { ConnectionStage } from './sight/measures.ts';
import type { StandingAction } from './standing-grants.ts';
import type { TopicFeed } from './topic-feed.ts';

type Subscribe = ClientMessage<'subscribe'>;

/** What subscriptions need of their session. */
export interface SubscriptionOwner extends CursorOwner {
  readonly context: ServerContext;
  readonly policy: Policy;
  readonly outbound: Outbound;
  readonly gate: ReadGate;
  readonly pump: Pump;
  readonly spans: Spans | undefined;
  reached(stage: ConnectionStage): void;
  /** Whoever is subscribed is there; returns what ends that presence, where it is kept. */
  attend(topic: string): Leave | undefined;
  /** A subscription begins that was allowed until then. */
  holdGrant(action: StandingAction, topic: string, until: number): void;
  /** It has ended. */
  releaseGrant(action: StandingAction, topic: string): void;
  /** The backbone failed. */
  failed(reason: unknown): void;
}

/**
 * Each can also end, by leaving the map.
 *
 * ```
 * asking   -> locating
 * locating -> live
 * ```
 */
type Subscription =
  | { readonly kind: 'asking'; readonly request: Subscribe }
  | { readonly kind: 'locating'; readonly feed: TopicFeed; readonly request: Subscribe }
  | Cursor;

/** The subscriptions of one connection, by topic. */
export class Subscriptions {
  readonly #owner: SubscriptionOwner;
  readonly #byTopic = new FewMap<string, Subscription>();
  /** Subscribes that are not answered yet, those included that were given up meanwhile. */
  #unanswered = 0;

  constructor(owner: SubscriptionOwner) {
    this.#owner = owner;
  }

  /** Subscribes, or sets the position of a subscription anew. */
  subscribe(request: Subscribe): void {
    const { context, policy, spans } = this.#owner;
    const { topic, id, trace } = request;
    this.unsubscribe(topic);
    spans?.begin(spanKey(topic), { kind: 'subscribe', topic, id, trace });
    if (this.#byTopic.size >= context.limits.maxSubscriptions) {
      context.limitHits.hit('subscriptions', { topic });
      spans?.end(spanKey(topic), 'limit');
      const message = `at most ${context.limits.maxSubscriptions} subscriptions`;
      return this.#answer(request, { code: 'limit', message });
    }
    const asking: Subscription = { kind: 'asking', request };
    this.#byTopic.set(request.topic, asking);
    context.stats.subscriptions++;
    this.#count(1);
    const ask = () =>
      chain(policy.ask('subscribe', topic), (answer) =>
        answer.kind === 'yes'
          ? this.#open(request, asking, answer.until)
          : this.#refuse(request, asking, forbidden(topic)),
      );
    const answered = spans ? spans.run(spanKey(topic), ask) : ask();
    const done = () => this.#count(-1);
    settle(withDeadline(answered, context.hookDeadline), done, (reason) => this.#owner.failed(reason));
  }

  /** Ends a subscription, where there is one. */
  unsubscribe(topic: string, isRevoked = false): void {
    const subscription = this.#byTopic.get(topic);
    if (!subscription) return;
    this.#byTopic.delete(topic);
    this.#owner.spans?.end(spanKey(topic), 'unsubscribed');
    this.#owner.releaseGrant('subscribe', topic);
    this.#owner.context.stats.subscriptions--;
    this.#release(subscription, isRevoked);
  }

  /** Ends a subscription that is not allowed any more, and says so. */
  revoke(topic: string, reason: string): void {
    const subscription = this.#byTopic.get(topic);
    if (!subscription) return;
    this.unsubscribe(topic, true);
    this.#owner.context.stats.revoked++;
    // The client has no answer yet, and takes no revocation for one.
    if (subscription.kind !== 'live') {
      return this.#answer(subscription.request, { code: 'forbidden', message: reason });
    }
    this.#owner.outbound.push({ type: 'revoked', topic, what: 'subscribe', payload: { reason } });
  }

  /** How many there are. */
  get size(): number {
    return this.#byTopic.size;
  }

  /** Ends all subscriptions. */
  end(): void {
    for (const topic of this.#byTopic.keys()) this.unsubscribe(topic);
  }

  #open(request: Subscribe, asking: Subscription, until: number): MaybePromise<void> {
    const { topic } = request;
    if (this.#byTopic.get(topic) !== asking) return undefined;
    this.#owner.holdGrant('subscribe', topic, until);
    const { feeds, backbone } = this.#owner.context;
    return chain(feeds.acquire(topic), (feed) => {
      if (!feed) {
        this.#owner.context.limitHits.hit('topics', { topic });
        return this.#refuse(request, asking, noRoom);
      }
      if (this.#byTopic.get(topic) !== asking) return feeds.release(feed);
      const locating: Subscription = { kind: 'locating', feed, request };
      this.#byTopic.set(topic, locating);
      return chain(backbone.head(topic), (head) => {
        if (this.#byTopic.get(topic) === locating) this.#begin(request, feed, head);
      });
    });
  }

  #begin(request: Subscribe, feed: TopicFeed, head: TopicHead): void {
    const { pump, outbound, context, spans } = this.#owner;
    const { topic, id: re } = request;
    const { epoch } = head;
    feed.learn(epoch, head.offset);
    const start = startOf(request, head);
    if (request.resume) context.measures.resumed(start.gap ? 'gap' : 'resumed');
    this.#owner.reached('subscribed');
    spans?.end(spanKey(topic));
    // Where the position is not taken up, neither is the message that was under way behind it.
    const partial = start.gap ? undefined : request.resume?.partial;
    const leave = this.#owner.attend(topic);
    const cursor = new Cursor(feed, { epoch, ...start, partial, leave }, this.#owner);
    this.#byTopic.set(topic, cursor);
    feed.add(cursor);
    outbound.push({ type: 'subscribed', re, topic, epoch, offset: start.offset, head: head.offset });
    if (cursor.isBehind) pump.activate(cursor);
  }

  #release(subscription: Subscription, isRevoked: boolean): void {
    if (subscription.kind === 'asking') return;
    const { pump, context } = this.#owner;
    if (subscription.kind === 'live') {
      subscription.leave?.(isRevoked);
      pump.remove(subscription);
      subscription.feed.remove(subscription);
    }
    context.feeds.release(subscription.feed);
  }

  #refuse(request: Subscribe, asking: Subscription, refusal: Refusal): void {
    if (this.#byTopic.get(request.topic) !== asking) return;
    this.#owner.spans?.end(spanKey(request.topic), refusal.code);
    this.unsubscribe(request.topic);
    this.#answer(request, refusal);
  }

  #answer({ id: re, topic }: Subscribe, refusal: Refusal): void {
    this.#owner.outbound.push({ type: 'error', re, topic, payload: wireFailure(refusal) });
  }

  /** A client that subscribes and unsubscribes must not have more asked than it may have subscriptions. */
  #count(change: 1 | -1): void {
    const owner = this.#owner;
    const { maxSubscriptions } = owner.context.limits;
    const wereTooMany = this.#unanswered > maxSubscriptions;
    this.#unanswered += change;
    const areTooMany = this.#unanswered > maxSubscriptions;
    if (areTooMany) owner.gate.hold('subscriptions');
    else if (wereTooMany) owner.gate.release('subscriptions');
  }
}

const spanKey = (topic: string): string => `s${topic}`;

const noRoom: Refusal = {
  code: 'limit',
  message: 'the server has no room for another topic',
  retryable: true,
};

/** Where a subscription starts: after which offset, and whether something is missing before that. */
function startOf(
  { resume, replay }: Pick<Subscribe, 'resume' | 'replay'>,
  head: TopicHead,
): { readonly offset: number; readonly gap: Gap | undefined } {
  const first = head.oldest - 1;
  if (!resume) return { offset: Math.max(first, head.offset - (replay ?? 0)), gap: undefined };
  // A position ahead of this history belongs to another one, whatever its epoch says.
  if (resume.epoch !== head.epoch || resume.offset > head.offset)
    return { offset: first, gap: { reason: 'epoch' } };
  if (resume.offset >= first) return { offset: resume.offset, gap: undefined };
  return { offset: first, gap: { reason: 'history', missed: first - resume.offset } };
}
