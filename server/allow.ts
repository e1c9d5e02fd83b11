import type { Authorize, AuthorizeAnswer, AuthorizeQuestion } from './hooks.ts';
import { invalid } from './invalid.ts';
import { topicPattern } from './topic-pattern.ts';

/** What some clients may do. */
export interface AllowRule {
  /** Whom it is about. Default: everybody. */
  readonly who?: (client: Pick<AuthorizeQuestion, 'identity' | 'claims'>) => boolean;
  /** Default: all. */
  readonly actions?: readonly AuthorizeQuestion['action'][];
  /** Topic patterns, such as `chat:*` and `user:{identity}:**`; for requests they are about the method. */
  readonly topics: readonly string[];
  /** Milliseconds for which the yes is kept. Default: as for a plain `true`. */
  readonly ttlMs?: number;
}

const actions: ReadonlySet<string> = new Set<AuthorizeQuestion['action']>([
  'subscribe',
  'publish',
  'request',
  'presence',
  'signal',
]);

/**
 * Makes an `authorize` of rules: a client may what any of them allows, and nothing else.
 *
 * @throws ConnectionError `invalid-option`
 * @example
 * createServer({
 *   authorize: allow([
 *     { actions: ['subscribe', 'presence', 'signal'], topics: ['chat:*'] },
 *     { actions: ['subscribe'], topics: ['user:{identity}:**'] },
 *     { who: ({ claims }) => (claims as Claims).role === 'admin', topics: ['**'] },
 *   ]),
 * });
 */
export function allow(rules: readonly AllowRule[]): Authorize {
  if (!Array.isArray(rules)) throw invalid('allow needs a list of rules');
  const compiled = (rules as readonly AllowRule[]).map((rule) => compile(rule));
  return (question) => {
    for (const { isMeant, answer } of compiled) if (isMeant(question)) return answer;
    return false;
  };
}

function compile({ who, actions: given, topics, ttlMs }: AllowRule) {
  const unknown = given?.find((action) => !actions.has(action));
  if (unknown !== undefined) throw invalid(`a rule of allow has the unknown action ${unknown}`);
  if (!Array.isArray(topics)) throw invalid('a rule of allow needs topics: a list of patterns');
  const patterns = topics.map(topicPattern);
  const answer: AuthorizeAnswer = ttlMs === undefined ? true : { allow: true, ttlMs };
  const isMeant = ({ identity, claims, action, topic }: AuthorizeQuestion): boolean =>
    (!given || given.includes(action)) &&
    patterns.some((pattern) => pattern.matches(topic, identity)) &&
    (!who || who({ identity, claims }) === true);
  return { isMeant, answer };
}
