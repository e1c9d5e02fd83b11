import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { onlyTopic, topicPattern } from './topic-pattern.ts';

const matches = (pattern: string, topic: string, identity = 'ada') =>
  topicPattern(pattern).matches(topic, identity);

/** What the table in the header says, by splitting and recursion. */
function model(pattern: readonly string[], topic: readonly string[], identity: string): boolean {
  const [want, ...patternRest] = pattern;
  const [have, ...topicRest] = topic;
  if (want === undefined || have === undefined) return want === have;
  if (want === '**' && patternRest.length === 0) return true;
  const fits =
    want === '{identity}'
      ? have === identity
      : want.endsWith('*')
        ? have.startsWith(want.slice(0, -1))
        : have === want;
  return fits && model(patternRest, topicRest, identity);
}

const text = fc.string({ unit: fc.constantFrom('a', 'b', '.'), maxLength: 3 });
const segment = fc.oneof(
  text,
  text.map((prefix) => `${prefix}*`),
  fc.constant('{identity}'),
);
const pattern = fc
  .tuple(fc.array(segment, { maxLength: 4 }), fc.constantFrom(['**'], ['a'], ['*'], ['']))
  .map(([begin, end]) => [...begin, ...end])
  .filter((segments) => segments.join(':') !== '');
const topic = fc.array(text, { minLength: 1, maxLength: 5 });

describe('a topic pattern', () => {
  it.each([
    ['chat:*', 'chat:1', true],
    ['chat:*', 'chat:', true],
    ['chat:*', 'chat', false],
    ['chat:*', 'chat:1:2', false],
    ['chat:**', 'chat:1:2', true],
    ['chat:**', 'chat', false],
    ['**', 'anything:at:all', true],
    ['user:{identity}:**', 'user:ada:inbox', true],
    ['user:{identity}:**', 'user:bob:inbox', false],
    ['user:{identity}', 'user:ada2', false],
    ['orders.*', 'orders.place', true],
    ['orders.*', 'admin.orders.place', false],
    ['a.c', 'abc', false],
  ])('%s, asked about %s, says %s', (given, asked, expected) => {
    expect(matches(given, asked)).toBe(expected);
  });

  it('gives an identity with a colon nothing of what lies below another one', () => {
    expect(matches('user:{identity}:**', 'user:ada:x:inbox', 'ada:x')).toBe(false);
    expect(matches('user:{identity}:**', 'user:anything:inbox', '*')).toBe(false);
  });

  it.each(['', '*:**:a', '**:a', 'a*b', 'a:{claims}', 'x{identity}', '***', 'x'.repeat(257)])(
    'is no pattern where it is %j',
    (given) => expect(() => topicPattern(given)).toThrow(expect.objectContaining({ code: 'invalid-option' })),
  );

  it('matches what its table says', () => {
    fc.assert(
      fc.property(pattern, topic, text, (segments, parts, identity) => {
        expect(matches(segments.join(':'), parts.join(':'), identity)).toBe(model(segments, parts, identity));
      }),
      { numRuns: 5_000 },
    );
  });

  it('looks at no character of a topic more often than twice', () => {
    // A string that counts would be another code path, so the work is bounded from outside: no pattern of the
    // allowed length makes a long topic slow, while a backtracking matcher would not end on these.
    const hostile = topicPattern(`${'a*:'.repeat(80)}b`);
    for (let round = 0; round < 1_000; round += 1) {
      expect(hostile.matches(`${'aaa:'.repeat(63)}aaa`, 'ada')).toBe(false);
    }
  });

  it('of one topic is that topic literally', () => {
    expect(onlyTopic('a*').matches('a*', '')).toBe(true);
    expect(onlyTopic('a*').matches('ab', '')).toBe(false);
  });
});
