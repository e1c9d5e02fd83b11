import type { TokenCarrier, TokenReply } from '../worker/core/token-types.ts';
import type { Auth } from './auth-types.ts';
import { errorData } from './protocol/errors.ts';
import * as protocolLimits from './protocol/limits.ts';
import { utf8Bytes } from './protocol/utf8.ts';

/**
 * Gets a token from the app's `auth` option, and sees whether it fits where it is to travel. A failure travels as data,
 * since Comlink drops an error's fields.
 */
export async function readToken(
  auth: Auth | undefined,
  carrier: TokenCarrier = 'message',
): Promise<TokenReply> {
  try {
    const given: unknown = typeof auth === 'function' ? await auth() : auth;
    const { token, expiresAt } = (Object(given) === given ? given : { token: given }) as {
      token?: unknown;
      expiresAt?: unknown;
    };
    if (typeof token !== 'string' || !token) return refused('no token');
    if (expiresAt !== undefined && typeof expiresAt !== 'number') return refused('expiresAt is no number');
    return fits(token, carrier)
      ? { token, expiresAt }
      : refused(`the token does not fit tokenBy: '${carrier}' (${protocolLimits.tokenLength} characters)`);
  } catch (cause) {
    return { error: errorData('auth-failed', String(cause), { retryable: true }) };
  }
}

const refused = (message: string): TokenReply => ({ error: errorData('auth-failed', message) });

/** With the upgrade it is longer than by itself, and text that is not well-formed would arrive as another one. */
function fits(token: string, carrier: TokenCarrier): boolean {
  if (carrier === 'message') return token.length <= protocolLimits.tokenLength;
  if (/\p{Surrogate}/u.test(token)) return false;
  const length =
    carrier === 'query'
      ? new URLSearchParams({ '': token }).toString().length - 1
      : Math.ceil((utf8Bytes(token) * 4) / 3);
  return length <= protocolLimits.tokenLength;
}
