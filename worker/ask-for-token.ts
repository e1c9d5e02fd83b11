import { errorData } from '../src/protocol/errors.ts';
import { tokenOf, type AttachedLink } from './attached-link.ts';
import type { Clock } from './clock.ts';
import type { HubInput } from './core/hub-types.ts';

type Answer = Extract<HubInput, { kind: 'token' | 'no-token' }>;

/** Asks one tab after the other for a token, until one gives it: a tab may be frozen, or gone without a certificate yet. */
export async function askForToken(
  dial: number,
  tabIds: readonly string[],
  attachedOf: (tabId: string) => AttachedLink | undefined,
  clock: Pick<Clock, 'after'>,
): Promise<Answer> {
  let error = errorData('auth-failed', 'no tab gave a token in time', { retryable: true });
  for (const tabId of tabIds) {
    // A call that fails is no answer either.
    const reply = await tokenOf(() => attachedOf(tabId), clock).catch(() => undefined);
    if (reply && 'token' in reply) {
      const { token, expiresAt } = reply;
      return { kind: 'token', dial, credentials: { token, expiresAt } };
    }
    if (reply) error = reply.error;
  }
  return { kind: 'no-token', dial, error };
}
