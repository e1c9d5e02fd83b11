import type { TokenReply } from '../worker/core/hub-api.ts';
import { errorData } from './protocol/errors.ts';
import type { Auth } from './types.ts';

/** Gets a token from the app's `auth` option; its failure travels as data, since Comlink drops an error's fields. */
export async function readToken(auth: Auth | undefined): Promise<TokenReply> {
  try {
    const token: unknown = typeof auth === 'function' ? await auth() : auth;
    if (typeof token === 'string' && token) return { token };
    return { error: errorData('auth-failed', 'no token') };
  } catch (cause) {
    return { error: errorData('auth-failed', String(cause), { retryable: true }) };
  }
}
