import * as protocolLimits from '../src/protocol/limits.ts';
import type { ServerContext } from './context.ts';
import { invalid } from './invalid.ts';
import type { RevokeScope } from './revoke-scope.ts';
import { onlyTopic, topicPattern } from './topic-pattern.ts';

/** What is revoked. */
export interface Revocation {
  /** Of whom. */
  readonly identity: string;
  /** About this topic alone. */
  readonly topic?: string;
  /** About the topics of a pattern, as in `allow`. Default: about all. */
  readonly pattern?: string;
  /** Why, for people; the tabs get it. Default `not allowed any more`. */
  readonly reason?: string;
}

/**
 * Drops the cached answers that are meant, in all connections of the identity, and asks again about what is live.
 * Resolves with how many subscriptions and presence lists that has ended.
 */
export async function revoke(context: ServerContext, revocation: Revocation): Promise<number> {
  const { identity } = revocation;
  const scope = scopeOf(revocation);
  const sessions = [...context.sessions.values()].filter(({ client }) => client.identity === identity);
  const counts = sessions.map((session) => new Promise<number>((resolve) => session.revoke(scope, resolve)));
  const ended = (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
  context.logger.info({ identity, connections: sessions.length, ended }, 'answers revoked');
  return ended;
}

function scopeOf({ identity, topic, pattern, reason = 'not allowed any more' }: Revocation): RevokeScope {
  if (typeof identity !== 'string' || identity === '') throw invalid('revoke needs an identity');
  if (topic !== undefined && pattern !== undefined) throw invalid('revoke takes a topic or a pattern');
  if (typeof reason !== 'string' || reason === '') throw invalid('reason must be a text');
  const compiled = topic !== undefined ? onlyTopic(topic) : topicPattern(pattern ?? '**');
  return {
    reason: reason.slice(0, protocolLimits.reasonLength),
    isMeant: (asked) => compiled.matches(asked, identity),
  };
}
