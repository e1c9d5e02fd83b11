import { describe, expect, it } from 'vitest';
import { allow } from './allow.ts';
import type { AuthorizeQuestion } from './hooks.ts';

const ask = (authorize: ReturnType<typeof allow>, question: Partial<AuthorizeQuestion>) =>
  authorize({ identity: 'ada', claims: undefined, action: 'subscribe', topic: 'chat:1', ...question });

describe('allow', () => {
  const authorize = allow([
    { actions: ['subscribe', 'signal'], topics: ['chat:*', 'user:{identity}:**'], ttlMs: 5 },
    { who: ({ claims }) => claims === 'admin', topics: ['**'] },
  ]);

  it.each<[Partial<AuthorizeQuestion>, unknown]>([
    [{}, { allow: true, ttlMs: 5 }],
    [{ action: 'publish' }, false],
    [{ topic: 'user:ada:inbox' }, { allow: true, ttlMs: 5 }],
    [{ topic: 'user:bob:inbox' }, false],
    [{ topic: 'user:bob:inbox', claims: 'admin' }, true],
    [{ action: 'request', topic: 'anything', claims: 'admin' }, true],
    [{ action: 'presence', topic: 'chat:1' }, false],
  ])('answers %j with %j', (question, answer) => expect(ask(authorize, question)).toEqual(answer));

  it('allows nothing without a rule', () => expect(ask(allow([]), {})).toBe(false));

  it.each([[{}], [[{ topics: ['a**b'] }]], [[{ topics: 'chat' }]], [[{ topics: ['a'], actions: ['fly'] }]]])(
    'refuses the rules %j',
    (rules) =>
      expect(() => allow(rules as never)).toThrow(expect.objectContaining({ code: 'invalid-option' })),
  );
});
