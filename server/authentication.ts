import * as protocolLimits from '../src/protocol/limits.ts';
import { anonymousName } from './anonymous.ts';
import type { ServerContext } from './context.ts';
import { DeadlineError, guarded } from './guard.ts';
import type { Identity } from './hooks.ts';
import { chain, type MaybePromise } from './maybe-promise.ts';
import { withoutToken } from './redact.ts';
import { RequestError } from './request-error.ts';
import { isMemberInfo } from './presence-options.ts';
import type { PeerRequest } from './transport.ts';

/** What came of a token. */
export type Verdict =
  | { readonly kind: 'accepted'; readonly identity: Identity }
  | { readonly kind: 'refused'; readonly reason: string }
  /** It could not be checked: the client may try again. */
  | { readonly kind: 'failed'; readonly reason: string };

/** Everybody, on a server that does not authenticate. */
export const anonymous: Identity = { identity: anonymousName };

/** Asks the app about a token. Never rejects, and logs nothing that holds the token. */
export function verifyToken(
  context: ServerContext,
  token: string,
  request: PeerRequest,
): MaybePromise<Verdict> {
  const { hooks, clock, limits } = context;
  const { authenticate } = hooks;
  if (!authenticate) return { kind: 'accepted', identity: anonymous };
  return guarded<Verdict>(
    () => chain(authenticate({ token, request }), (identity) => verdictOn(context, identity)),
    (reason) => verdictOnError(context, reason, token),
    { clock, timeoutMs: limits.hookTimeoutMs },
  );
}

function verdictOn(context: ServerContext, identity: Identity | null | undefined): Verdict {
  if (!identity) return { kind: 'refused', reason: 'the token was refused' };
  const { identity: name, expiresAt, presence } = identity;
  const isName = typeof name === 'string' && name !== '' && name.length <= protocolLimits.topicLength;
  const isTime = expiresAt === undefined || (Number.isSafeInteger(expiresAt) && expiresAt >= 0);
  if (isName && isTime && isMemberInfo(presence) && !name.includes('\0'))
    return { kind: 'accepted', identity };
  const rule =
    'identity: 1 to 256 characters without U+0000, expiresAt: integer milliseconds, presence: JSON of 1,024 bytes';
  context.logger.error({ rule }, 'authenticate returned what is no identity');
  return { kind: 'failed', reason: 'the server could not check the token' };
}

function verdictOnError(context: ServerContext, reason: unknown, token: string): Verdict {
  // Only the text, and without the token: libraries like to quote what they could not verify.
  const text = (full: string) => withoutToken(full.slice(0, protocolLimits.reasonLength), token);
  if (reason instanceof RequestError) {
    const told = text(reason.message);
    if (!reason.retryable) return { kind: 'refused', reason: told };
    context.logger.warn({ reason: told }, 'a token could not be checked');
    return { kind: 'failed', reason: told };
  }
  context.logger.info({ reason: text(String(reason)) }, 'authenticate failed');
  return reason instanceof DeadlineError
    ? { kind: 'failed', reason: 'the token could not be checked in time' }
    : { kind: 'refused', reason: 'the token was refused' };
}
