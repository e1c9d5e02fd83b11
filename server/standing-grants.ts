import { Alarm } from './alarm.ts';
import type { ServerContext } from './context.ts';
import type { Action } from './grant-cache.ts';
import * as serverLimits from './limits.ts';
import { settle } from './maybe-promise.ts';
import type { Answer, Policy } from './policy.ts';

/** What goes on for as long as it is allowed. */
export type StandingAction = Extract<Action, 'subscribe' | 'presence'>;

interface StandingGrant {
  readonly action: StandingAction;
  readonly topic: string;
  /** When it is asked again, in milliseconds since the Unix epoch; Infinity while it is asked. */
  until: number;
  /** Asks in a row to which `authorize` had no answer. */
  failures: number;
}

/** What standing grants need of their session. */
export interface StandingGrantsOwner {
  readonly context: ServerContext;
  readonly policy: Policy;
  /** Is not allowed any more. */
  revoked(action: StandingAction, topic: string, reason: string): void;
}

/**
 * The yeses that live subscriptions and presence lists of one connection rest on. Each is asked again when it
 * expires, and when it is revoked. There is one for each of those, so that their bounds bound this.
 */
export class StandingGrants {
  readonly #owner: StandingGrantsOwner;
  readonly #grants = new Map<string, StandingGrant>();
  readonly #alarm: Alarm;
  #alarmAt = Infinity;

  constructor(owner: StandingGrantsOwner) {
    this.#owner = owner;
    this.#alarm = new Alarm(owner.context.dues, () => this.#ring());
  }

  /** Something begins that was allowed until then. */
  hold(action: StandingAction, topic: string, until: number): void {
    this.#grants.set(keyOf(action, topic), { action, topic, until, failures: 0 });
    this.#wakeAt(until);
  }

  /** It has ended. */
  release(action: StandingAction, topic: string): void {
    this.#grants.delete(keyOf(action, topic));
  }

  /** Asks again about these topics. Calls `done` with how many were ended, once all are answered. */
  review(isMeant: (topic: string) => boolean, reason: string, done: (ended: number) => void): void {
    const meant = [...this.#grants.values()].filter(({ topic }) => isMeant(topic));
    let waiting = meant.length;
    let ended = 0;
    if (waiting === 0) return done(0);
    for (const grant of meant) {
      this.#ask(grant, reason, (wasEnded) => {
        if (wasEnded) ended += 1;
        if (--waiting === 0) done(ended);
      });
    }
  }

  /** Nothing is asked any more. */
  end(): void {
    this.#grants.clear();
    this.#alarm.clear();
  }

  #ring(): void {
    const now = this.#owner.context.clock.now();
    this.#alarmAt = Infinity;
    let next = Infinity;
    for (const grant of this.#grants.values()) {
      if (grant.until <= now) this.#ask(grant, undefined, () => undefined);
      else next = Math.min(next, grant.until);
    }
    this.#wakeAt(next);
  }

  /** Without a reason the grant has expired, and an error of `authorize` is no answer yet. */
  #ask(grant: StandingGrant, reason: string | undefined, done: (wasEnded: boolean) => void): void {
    const { policy, context } = this.#owner;
    grant.until = Infinity;
    settle(
      policy.ask(grant.action, grant.topic),
      (answer) => done(this.#decide(grant, answer, reason)),
      // Never: an ask does not reject.
      (failure) => context.logger.error({ err: failure }, 'a grant could not be reviewed'),
    );
  }

  /** True if that has ended what rested on the grant. */
  #decide(grant: StandingGrant, answer: Answer, reason: string | undefined): boolean {
    const { action, topic } = grant;
    const key = keyOf(action, topic);
    if (this.#grants.get(key) !== grant) return false;
    if (answer.kind === 'yes') {
      grant.failures = 0;
      return this.#goOn(grant, answer.until);
    }
    grant.failures += 1;
    if (answer.kind === 'failed' && reason === undefined && grant.failures < serverLimits.grantRetries) {
      return this.#goOn(grant, this.#owner.context.clock.now() + serverLimits.grantRetryMs);
    }
    this.#grants.delete(key);
    this.#owner.revoked(action, topic, reason ?? 'not allowed any more');
    return true;
  }

  #goOn(grant: StandingGrant, until: number): false {
    grant.until = until;
    this.#wakeAt(until);
    return false;
  }

  #wakeAt(at: number): void {
    if (at >= this.#alarmAt) return;
    this.#alarmAt = at;
    this.#alarm.set(at);
  }
}

const keyOf = (action: StandingAction, topic: string): string => `${action} ${topic}`;
