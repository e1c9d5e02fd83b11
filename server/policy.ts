import type { ClientMessage } from '../src/protocol/schema.ts';
import type { LargePayload } from './backbone.ts';
import type { ServerContext } from './context.ts';
import { guarded } from './guard.ts';
import { isRecord } from '../src/protocol/field.ts';
import type { Authorize, AuthorizeAnswer, IncomingLarge } from './hooks.ts';
import { chain, type MaybePromise } from './maybe-promise.ts';
import { RequestError, type Refusal } from './request-error.ts';
import type { Client } from './client.ts';
import { GrantCache, type Action } from './grant-cache.ts';
import * as serverLimits from './limits.ts';

/** What `authorize` says; `failed` where it threw or took too long, which counts as a no. */
export type Answer =
  | { readonly kind: 'yes'; /** In milliseconds since the Unix epoch. */ readonly until: number }
  | { readonly kind: 'no' }
  | { readonly kind: 'failed' };

/** Whom a policy is about. */
export interface PolicyOwner {
  readonly context: ServerContext;
  readonly client: Client;
}

/** What a client may do. No method of it rejects. */
export interface Policy {
  /** Whether the client may. */
  allows(action: Action, topic: string): MaybePromise<boolean>;
  /** Whether the client may, and until when. */
  ask(action: Action, topic: string): MaybePromise<Answer>;
  /** Drops the cached answers about these topics; those that are on their way are asked for again. */
  forget(isMeant: (topic: string) => boolean): void;
  /** Why a publish is refused; undefined where it is not. */
  review(
    publish: ClientMessage<'publish'>,
    large: LargePayload | undefined,
  ): MaybePromise<Refusal | undefined>;
}

/** The policy for a client. Where the app is never asked, all share one. */
export function policyFor(owner: PolicyOwner): Policy {
  const { authorize, onPublish } = owner.context.hooks;
  return authorize || onPublish ? new AppPolicy(owner) : openToAll;
}

/** The app's `authorize` and `onPublish`, with their errors turned into answers. */
class AppPolicy implements Policy {
  readonly #owner: PolicyOwner;
  /** Answers of `authorize`; nobody who is never asked needs one. */
  #cache: GrantCache | undefined;
  /** Counts the times that answers were dropped: one that was asked for before that is not to be believed. */
  #generation = 0;

  constructor(owner: PolicyOwner) {
    this.#owner = owner;
  }

  allows(action: Action, topic: string): MaybePromise<boolean> {
    return chain(this.ask(action, topic), ({ kind }) => kind === 'yes');
  }

  ask(action: Action, topic: string): MaybePromise<Answer> {
    const { hooks, clock } = this.#owner.context;
    if (!hooks.authorize) return always;
    const cached = this.#cache?.get(action, topic, clock.now());
    if (cached) return cached.allow ? { kind: 'yes', until: cached.until } : no;
    return this.#askAnew(hooks.authorize, action, topic, serverLimits.staleAnswers);
  }

  forget(isMeant: (topic: string) => boolean): void {
    this.#generation += 1;
    this.#cache?.drop(isMeant);
  }

  #askAnew(authorize: Authorize, action: Action, topic: string, tries: number): MaybePromise<Answer> {
    const generation = this.#generation;
    const { context, client } = this.#owner;
    const { identity, claims } = client;
    const answered = guarded<AuthorizeAnswer | undefined>(
      () => authorize({ identity, claims, action, topic }),
      (reason) => {
        context.logger.warn({ err: reason, identity, action, topic }, 'authorize failed: refused');
        return undefined;
      },
      context.hookDeadline,
    );
    return chain(answered, (answer): MaybePromise<Answer> => {
      if (generation === this.#generation) return this.#learn(action, topic, answer);
      return tries > 1 ? this.#askAnew(authorize, action, topic, tries - 1) : failed;
    });
  }

  #learn(action: Action, topic: string, answer: AuthorizeAnswer | undefined): Answer {
    const { clock, limits } = this.#owner.context;
    const now = clock.now();
    if (answer === undefined) return failed;
    if (typeof answer === 'boolean') return answer ? { kind: 'yes', until: now + limits.grantMs } : no;
    const { allow, ttlMs } = isRecord(answer) ? answer : { allow: false, ttlMs: 0 };
    const until = now + (ttlMs > 0 ? Math.min(ttlMs, Number.MAX_SAFE_INTEGER - now) : 0);
    if (until > now) {
      this.#cache ??= new GrantCache(limits.cachedAnswers);
      this.#cache.set(action, { topic, allow: allow === true, until });
    }
    return allow === true ? { kind: 'yes', until: Math.max(until, now + serverLimits.grantMsMin) } : no;
  }

  review(
    publish: ClientMessage<'publish'>,
    large: LargePayload | undefined,
  ): MaybePromise<Refusal | undefined> {
    return chain(this.allows('publish', publish.topic), (allowed) =>
      allowed ? this.#inspect(publish, large) : forbidden(publish.topic),
    );
  }

  #inspect(
    publish: ClientMessage<'publish'>,
    large: LargePayload | undefined,
  ): MaybePromise<Refusal | undefined> {
    const { context, client } = this.#owner;
    const { onPublish } = context.hooks;
    if (!onPublish) return undefined;
    const { identity, claims, clientId, clientEpoch } = client;
    const { topic, id, seq } = publish;
    const content = large ? { payload: undefined, large: incoming(large) } : { payload: publish.payload };
    return guarded<Refusal | undefined>(
      () =>
        chain(
          onPublish({ identity, claims, clientId, clientEpoch, topic, id, seq, ...content }),
          (refusal) => refusal ?? undefined,
        ),
      (reason) => {
        if (reason instanceof RequestError) return reason;
        context.logger.warn({ err: reason, identity, topic }, 'onPublish failed: refused');
        return { code: 'rejected', message: 'the server could not accept the message', retryable: true };
      },
      context.hookDeadline,
    );
  }
}

const always: Answer = { kind: 'yes', until: Infinity };
const no: Answer = { kind: 'no' };
const failed: Answer = { kind: 'failed' };

const openToAll: Policy = {
  allows: () => true,
  ask: () => always,
  forget: () => undefined,
  review: () => undefined,
};

const incoming = ({ size, form, mime, parts }: LargePayload): IncomingLarge => ({ size, form, mime, parts });

/** The refusal of what `authorize` does not allow. */
export const forbidden = (topic: string): Refusal => ({
  code: 'forbidden',
  message: `not allowed: ${topic}`,
});
