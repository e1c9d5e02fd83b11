import type { ClientMessage } from '../src/protocol/schema.ts';
import type { Timer } from './clock.ts';
import type { ServerContext } from './context.ts';
import { chain, settle, type MaybePromise } from './maybe-promise.ts';
import type { Outbound } from './outbound.ts';
import { forbidden, type Answer, type Policy } from './policy.ts';
import type { PresenceChange, PresenceStore } from './presence.ts';
import { wireFailure, type Refusal } from './request-error.ts';
import type { StandingAction } from './standing-grants.ts';

type Watch = ClientMessage<'watch'>;

/** What presence lists need of their session. */
export interface WatchOwner {
  readonly context: ServerContext;
  readonly policy: Policy;
  readonly outbound: Outbound;
  /** Whether the socket's buffer has room. */
  readonly hasRoom: boolean;
  /** There is something to send. */
  request(): void;
  /** The store of presences failed. */
  failed(reason: unknown): void;
  /** A list begins that was allowed until then. */
  holdGrant(action: StandingAction, topic: string, until: number): void;
  /** It has ended. */
  releaseGrant(action: StandingAction, topic: string): void;
}

/**
 * Each can also end, by leaving the map.
 *
 * ```
 * asking   -> settling | listing
 * settling -> listing
 * listing  -> live
 * ```
 */
type WatchState =
  | { readonly kind: 'asking' }
  /** The server has just started, and others may be about to come back. */
  | { readonly kind: 'settling'; readonly timer: Timer; readonly request: Watch }
  | {
      readonly kind: 'listing';
      readonly end: () => void;
      readonly early: PresenceChange[];
      readonly request: Watch;
    }
  | { readonly kind: 'live'; readonly end: () => void };

/** The presence lists that one connection follows, by topic. */
export class PresenceWatches {
  readonly #owner: WatchOwner;
  readonly #byTopic = new Map<string, WatchState>();
  /** Topics of which the client gets a new list, in place of changes that there was no room for. */
  readonly #behind = new Set<string>();
  /** Changes that wait for the end of the turn. */
  #waiting = 0;

  constructor(owner: WatchOwner) {
    this.#owner = owner;
  }

  /** Answers with the list, and tells its changes; anew, where it does so already. */
  watch(request: Watch): void {
    const { context, policy } = this.#owner;
    const failed = (reason: unknown) => this.#owner.failed(reason);
    const { topic } = request;
    this.unwatch(topic);
    const { presence } = context;
    if (!presence?.isKept(topic)) {
      return this.#answer(request, { code: 'no-presence', message: `nobody keeps who is in ${topic}` });
    }
    if (this.#byTopic.size >= context.limits.maxPresences) {
      return this.#answer(request, {
        code: 'limit',
        message: `at most ${context.limits.maxPresences} presence lists`,
      });
    }
    const asking: WatchState = { kind: 'asking' };
    this.#byTopic.set(topic, asking);
    const decide = (answer: Answer): MaybePromise<void> => {
      if (this.#byTopic.get(topic) !== asking) return undefined;
      if (answer.kind !== 'yes') {
        this.#byTopic.delete(topic);
        return this.#answer(request, forbidden(topic));
      }
      this.#owner.holdGrant('presence', topic, answer.until);
      const waitMs = request.resumes ? presence.settledAt - context.clock.now() : 0;
      if (waitMs <= 0) return this.#list(request, presence.store);
      const list = () => settle(this.#list(request, presence.store), () => undefined, failed);
      const timer = context.clock.setTimer(list, waitMs);
      this.#byTopic.set(topic, { kind: 'settling', timer, request });
    };
    settle(chain(policy.ask('presence', topic), decide), () => undefined, failed);
  }

  /** Tells no more of a topic. */
  unwatch(topic: string): void {
    const watch = this.#byTopic.get(topic);
    if (!watch) return;
    this.#byTopic.delete(topic);
    this.#behind.delete(topic);
    this.#owner.releaseGrant('presence', topic);
    if (watch.kind === 'settling') this.#owner.context.clock.clearTimer(watch.timer);
    if (watch.kind === 'listing' || watch.kind === 'live') watch.end();
  }

  /** Ends a list that is not allowed any more, and says so. */
  revoke(topic: string, reason: string): void {
    const watch = this.#byTopic.get(topic);
    if (!watch) return;
    this.unwatch(topic);
    this.#owner.context.stats.revoked++;
    if (watch.kind === 'settling' || watch.kind === 'listing') {
      return this.#answer(watch.request, { code: 'forbidden', message: reason });
    }
    this.#owner.outbound.push({ type: 'revoked', topic, what: 'presence', payload: { reason } });
  }

  /** Whether a new list waits for room. */
  get hasOutput(): boolean {
    return this.#behind.size > 0;
  }

  /** What waited is on its way: gives a new list of what was left out, where there is room. */
  flushed(): void {
    const { hasRoom, context, outbound } = this.#owner;
    this.#waiting = 0;
    if (this.#behind.size === 0 || !hasRoom) return;
    const behind = [...this.#behind];
    this.#behind.clear();
    for (const topic of behind) {
      settle(
        context.presence!.store.list(topic),
        (list) => {
          if (this.#byTopic.has(topic)) outbound.push({ type: 'presence', topic, payload: list });
        },
        (reason) => this.#owner.failed(reason),
      );
    }
  }

  /** Ends all lists. */
  end(): void {
    for (const topic of this.#byTopic.keys()) this.unwatch(topic);
  }

  #list(request: Watch, store: PresenceStore): MaybePromise<void> {
    const { outbound } = this.#owner;
    const { topic, id: re } = request;
    const early: PresenceChange[] = [];
    const hear = (change: PresenceChange) => {
      const watch = this.#byTopic.get(topic);
      if (watch?.kind === 'live') this.#change(topic, change);
      else early.push(change);
    };
    const listing: WatchState = { kind: 'listing', end: store.watch(topic, hear), early, request };
    this.#byTopic.set(topic, listing);
    return chain(store.list(topic), (list) => {
      if (this.#byTopic.get(topic) !== listing) return;
      outbound.push({ type: 'presence', re, topic, payload: list });
      this.#byTopic.set(topic, { kind: 'live', end: listing.end });
      for (const change of early) this.#change(topic, change);
    });
  }

  #change(topic: string, change: PresenceChange): void {
    const { outbound, hasRoom, context } = this.#owner;
    const isFull = this.#behind.has(topic) || this.#waiting >= context.limits.presenceChanges || !hasRoom;
    if (isFull) {
      this.#behind.add(topic);
      return this.#owner.request();
    }
    this.#waiting += 1;
    outbound.push({ type: 'presence-change', topic, payload: change });
  }

  #answer({ id: re, topic }: Watch, refusal: Refusal): void {
    this.#owner.outbound.push({ type: 'error', re, topic, payload: wireFailure(refusal) });
  }
}
