/**
 * The token of one connection: the first one, and those that replace it before it expires.
 *
 * ```
 * none     -> checking | ended
 * checking -> held | ended
 * held     -> checking | ended
 * ended    ->
 * ```
 */
import * as closeCodes from '../src/protocol/close-codes.ts';
import { Alarm } from './alarm.ts';
import { verifyToken, type Verdict } from './authentication.ts';
import type { ServerContext } from './context.ts';
import type { Identity } from './hooks.ts';
import { settle } from './maybe-promise.ts';
import type { Outbound } from './outbound.ts';
import { checkTransition, type Transitions } from './state-machine.ts';
import type { PeerRequest } from './transport.ts';

type CredentialsState =
  | { readonly kind: 'none' }
  /** The identity is that of the token before; the new one must have the same. */
  | { readonly kind: 'checking'; readonly identity: string | undefined }
  | { readonly kind: 'held'; readonly identity: string; readonly expiresAt: number | undefined }
  | { readonly kind: 'ended' };

/** Which state may follow which. A test compares this with the diagram above. */
export const credentialsTransitions: Transitions<CredentialsState['kind']> = {
  none: ['checking', 'ended'],
  checking: ['held', 'ended'],
  held: ['checking', 'ended'],
  ended: [],
};

const noRequest: PeerRequest = { headers: {}, url: '/', remoteAddress: undefined };

/** What credentials need of their connection. */
export interface CredentialsOwner {
  readonly context: ServerContext;
  readonly outbound: Outbound;
  /** There from the welcome on: from then on the client can be told. */
  readonly opened: object | undefined;
  close(code: number, reason: string): void;
}

/**
 * Checks the tokens of one connection, tells the client when the last one is about to expire, and closes the connection
 * when it has. The token itself is not kept.
 */
export class Credentials {
  readonly #owner: CredentialsOwner;
  readonly #peer: PeerRequest;
  /** There once a token has come that expires. */
  #expiry: Alarm | undefined;
  #warning: Alarm | undefined;
  #state: CredentialsState = { kind: 'none' };

  constructor(owner: CredentialsOwner, peer = noRequest) {
    this.#owner = owner;
    this.#peer = peer;
  }

  /**
   * Checks a token and answers it: `auth-ok` and `accepted`, or a close. Where the client has `claimed` an
   * identity, the token must be of that one: what one user has queued is never published as another.
   */
  check(token: string, accepted: (identity: Identity) => void, claimed?: string): void {
    const owner = this.#owner;
    const { context } = owner;
    const state = this.#state;
    if (state.kind === 'checking')
      return owner.close(closeCodes.unexpected, 'an auth while another is checked');
    this.#become({ kind: 'checking', identity: state.kind === 'held' ? state.identity : undefined });
    settle(
      verifyToken(context, token, this.#peer),
      (verdict) => this.#decide(verdict, accepted, claimed),
      (reason) => {
        context.logger.error({ reason: String(reason) }, 'a token could not be processed');
        owner.close(closeCodes.internalError, 'the server failed');
      },
    );
  }

  /** The welcome is on its way: from now on the client is told before a token expires. */
  opened(): void {
    this.#watch();
  }

  /** Nothing is checked or expires any more. */
  end(): void {
    if (this.#state.kind !== 'ended') this.#become({ kind: 'ended' });
    this.#expiry?.clear();
    this.#warning?.clear();
  }

  #decide(verdict: Verdict, accepted: (identity: Identity) => void, claimed: string | undefined): void {
    const owner = this.#owner;
    const { context, outbound } = owner;
    const state = this.#state;
    if (state.kind !== 'checking') return;
    if (verdict.kind === 'refused') return owner.close(closeCodes.unauthenticated, verdict.reason);
    if (verdict.kind === 'failed') {
      context.measures.authFailed('unavailable');
      return owner.close(closeCodes.tryAgainLater, verdict.reason);
    }
    const { identity, expiresAt } = verdict.identity;
    if (state.identity !== undefined && state.identity !== identity) {
      return owner.close(closeCodes.unauthenticated, 'the token is of another identity');
    }
    // Without `authenticate` everybody is anonymous, whatever they call themselves.
    if (context.hooks.authenticate && claimed !== undefined && claimed !== identity) {
      return owner.close(closeCodes.forbidden, 'the outbox is of another identity than the token');
    }
    if (expiresAt !== undefined && expiresAt <= context.clock.now()) {
      return owner.close(closeCodes.tokenExpired, 'the token has expired');
    }
    this.#become({ kind: 'held', identity, expiresAt });
    outbound.push({
      type: 'auth-ok',
      payload: expiresAt === undefined ? { identity } : { identity, expiresAt },
    });
    this.#watch();
    accepted(verdict.identity);
  }

  #watch(): void {
    const owner = this.#owner;
    const { clock, dues, limits } = owner.context;
    const state = this.#state;
    if (state.kind !== 'held') return;
    if (state.expiresAt === undefined) {
      this.#expiry?.clear();
      return this.#warning?.clear();
    }
    const leftMs = state.expiresAt - clock.now();
    this.#expiry ??= new Alarm(dues, () => owner.close(closeCodes.tokenExpired, 'the token has expired'));
    this.#expiry.set(state.expiresAt);
    if (!owner.opened) return;
    this.#warning ??= new Alarm(dues, () => this.#warn());
    // Not at once, however short the token lives: a client answers with the next one.
    this.#warning.set(state.expiresAt - Math.min(limits.expiringMs, leftMs / 2));
  }

  #warn(): void {
    const state = this.#state;
    // While a new token is checked, the client knows already.
    if (state.kind !== 'held' || state.expiresAt === undefined) return;
    this.#owner.outbound.push({ type: 'expiring', payload: { expiresAt: state.expiresAt } });
  }

  #become(next: CredentialsState): void {
    checkTransition(credentialsTransitions, this.#state.kind, next.kind);
    this.#state = next;
  }
}
