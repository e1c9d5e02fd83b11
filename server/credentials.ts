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
import type { PeerRequest, SessionClose } from './transport.ts';

type CredentialsState =
  | { readonly kind: 'none' }
  /** The identity is that of the token before; the new one must have the same. */
  | { readonly kind: 'checking'; readonly identity: string | undefined }
  | { readonly kind: 'held'; readonly identity: string }
  | { readonly kind: 'ended' };

/** Which state may follow which. A test compares this with the diagram above. */
export const credentialsTransitions: Transitions<CredentialsState['kind']> = {
  none: ['checking', 'ended'],
  checking: ['held', 'ended'],
  held: ['checking', 'ended'],
  ended: [],
};

/** What credentials need of their connection. */
export interface CredentialsOwner {
  readonly context: ServerContext;
  readonly outbound: Outbound;
  readonly request: PeerRequest;
  readonly close: SessionClose;
}

/** Checks the tokens of one connection, and closes it when the last one has expired. The token itself is not kept. */
export class Credentials {
  readonly #owner: CredentialsOwner;
  readonly #expiry: Alarm;
  #state: CredentialsState = { kind: 'none' };

  constructor(owner: CredentialsOwner) {
    this.#owner = owner;
    this.#expiry = new Alarm(owner.context.clock, () =>
      owner.close(closeCodes.tokenExpired, 'the token has expired'),
    );
  }

  /**
   * Checks a token and answers it: `auth-ok` and `accepted`, or a close. Where the client has `claimed` an
   * identity, the token must be of that one: what one user has queued is never published as another.
   */
  check(token: string, accepted: (identity: Identity) => void, claimed?: string): void {
    const { context, request, close } = this.#owner;
    const state = this.#state;
    if (state.kind === 'checking') return close(closeCodes.unexpected, 'an auth while another is checked');
    this.#become({ kind: 'checking', identity: state.kind === 'held' ? state.identity : undefined });
    settle(
      verifyToken(context, token, request),
      (verdict) => this.#decide(verdict, accepted, claimed),
      (reason) => {
        context.logger.error({ reason: String(reason) }, 'a token could not be processed');
        close(closeCodes.internalError, 'the server failed');
      },
    );
  }

  /** Nothing is checked or expires any more. */
  end(): void {
    if (this.#state.kind !== 'ended') this.#become({ kind: 'ended' });
    this.#expiry.clear();
  }

  #decide(verdict: Verdict, accepted: (identity: Identity) => void, claimed: string | undefined): void {
    const { close, context, outbound } = this.#owner;
    const state = this.#state;
    if (state.kind !== 'checking') return;
    if (verdict.kind === 'refused') return close(closeCodes.unauthenticated, verdict.reason);
    if (verdict.kind === 'failed') return close(closeCodes.tryAgainLater, verdict.reason);
    const { identity, expiresAt } = verdict.identity;
    if (state.identity !== undefined && state.identity !== identity) {
      return close(closeCodes.unauthenticated, 'the token is of another identity');
    }
    // Without `authenticate` everybody is anonymous, whatever they call themselves.
    if (context.hooks.authenticate && claimed !== undefined && claimed !== identity) {
      return close(closeCodes.forbidden, 'the outbox is of another identity than the token');
    }
    if (expiresAt !== undefined && expiresAt <= context.clock.now()) {
      return close(closeCodes.tokenExpired, 'the token has expired');
    }
    this.#become({ kind: 'held', identity });
    outbound.push({
      type: 'auth-ok',
      payload: expiresAt === undefined ? { identity } : { identity, expiresAt },
    });
    if (expiresAt === undefined) this.#expiry.clear();
    else this.#expiry.set(expiresAt);
    accepted(verdict.identity);
  }

  #become(next: CredentialsState): void {
    checkTransition(credentialsTransitions, this.#state.kind, next.kind);
    this.#state = next;
  }
}
