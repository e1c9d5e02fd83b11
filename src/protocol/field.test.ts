import { describe, expect, it } from 'vitest';
import {
  boolean,
  fieldsViolation,
  isRecord,
  json,
  list,
  object,
  oneOf,
  optional,
  string,
  uint,
  violation,
  type Field,
} from './field.ts';

const position = object({ epoch: string(4), offset: uint() });

/** Per kind: values that pass, and values that do not with what is said of them. */
const table: readonly {
  readonly kind: string;
  readonly field: Field;
  readonly good: readonly unknown[];
  readonly bad: readonly unknown[];
  readonly says: string;
}[] = [
  {
    kind: 'string',
    field: string(3),
    good: ['a', 'abc', '\ud800', '\0'],
    bad: ['', 'abcd', 1, null, undefined, ['a'], new String('a')],
    says: 'x must be a string of 1 to 3 characters',
  },
  {
    kind: 'uint',
    field: uint(10),
    good: [0, -0, 1, 10],
    bad: [11, -1, 0.5, Number.NaN, Infinity, '1', null, undefined, 1n],
    says: 'x must be an integer from 0 to 10',
  },
  {
    kind: 'unbounded uint',
    field: uint(),
    good: [Number.MAX_SAFE_INTEGER],
    bad: [Number.MAX_SAFE_INTEGER + 1, 1e300],
    says: `x must be an integer from 0 to ${Number.MAX_SAFE_INTEGER}`,
  },
  {
    kind: 'boolean',
    field: boolean,
    good: [true, false],
    bad: [0, 'true', null, undefined],
    says: 'x must be a boolean',
  },
  {
    kind: 'json',
    field: json,
    good: [null, 0, '', false, [], {}, new Uint8Array()],
    bad: [undefined],
    says: 'x must be there',
  },
  {
    kind: 'enum',
    field: oneOf('token', 'none'),
    good: ['token', 'none'],
    bad: ['', 'Token', 'toString', null, undefined, ['token']],
    says: 'x must be one of token, none',
  },
  {
    kind: 'list',
    field: list(uint(), 2),
    good: [[], [1], [1, 2]],
    bad: [[1, 2, 3], 'ab', { length: 1 }, null, undefined],
    says: 'x must be a list of at most 2',
  },
  {
    kind: 'object',
    field: position,
    good: [
      { epoch: 'e', offset: 0 },
      { epoch: 'e', offset: 0, unknown: 1 },
    ],
    bad: [null, undefined, [], 'text', 1],
    says: 'x must be an object',
  },
];

describe.each(table)('a field of kind $kind', ({ field, good, bad, says }) => {
  it.each(good.map((value) => ({ value })))('takes $value', ({ value }) => {
    expect(violation(field, value, 'x')).toBeUndefined();
  });

  it.each(bad.map((value) => ({ value })))('refuses $value', ({ value }) => {
    expect(violation(field, value, 'x')).toBe(says);
  });
});

describe('an optional field', () => {
  it('takes undefined and what the field takes', () => {
    expect(violation(optional(uint()), undefined, 'x')).toBeUndefined();
    expect(violation(optional(uint()), 1, 'x')).toBeUndefined();
  });

  it('refuses null and everything else that the field refuses', () => {
    expect(violation(optional(boolean), null, 'x')).toBe('x must be a boolean');
    expect(violation(optional(boolean), 'yes', 'x')).toBe('x must be a boolean');
  });
});

describe('the path of a violation', () => {
  it('names the index in a list', () => {
    expect(violation(list(uint(), 3), [1, 'a'], 'x')).toMatch(/^x\[1\] must be an integer/);
  });

  it('names the field in an object', () => {
    expect(violation(position, { epoch: 'e' }, 'x')).toMatch(/^x\.offset must be an integer/);
  });

  it('names every step on the way down', () => {
    const field = object({ items: list(object({ at: position }), 9) });
    const value = { items: [{ at: { epoch: 'e', offset: 1 } }, { at: { epoch: '', offset: 1 } }] };
    expect(violation(field, value, 'x')).toBe('x.items[1].at.epoch must be a string of 1 to 4 characters');
  });

  it('is that of the first violation in the order of the schema', () => {
    expect(fieldsViolation({ a: boolean, b: boolean }, { b: 1 }, 'hello')).toBe('hello.a must be a boolean');
  });
});

describe('isRecord', () => {
  it('is true of objects, and false of null, arrays and primitives', () => {
    expect([{}, Object.create(null), new Map()].map(isRecord)).toEqual([true, true, true]);
    expect([null, [], 'text', 1, undefined].map(isRecord)).toEqual([false, false, false, false, false]);
  });
});
