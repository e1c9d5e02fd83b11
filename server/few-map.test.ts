import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FewMap } from './few-map.ts';

const key = fc.constantFrom('a', 'b', 'c', 'd');
const step = fc.oneof(
  fc.record({ kind: fc.constant('set' as const), key }),
  fc.record({ kind: fc.constant('delete' as const), key }),
);

test('is a map, whatever comes and goes', () => {
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const few = new FewMap<string, object>();
      const model = new Map<string, object>();
      for (const { kind, key: at } of steps) {
        const value = {};
        if (kind === 'set') {
          few.set(at, value);
          model.set(at, value);
        } else {
          few.delete(at);
          model.delete(at);
        }
        expect(few.size).toBe(model.size);
        expect(few.keys()).toEqual([...model.keys()]);
        for (const one of ['a', 'b', 'c', 'd']) expect(few.get(one)).toBe(model.get(one));
      }
    }),
  );
});

test('lets entries be deleted while its keys are gone through', () => {
  const few = new FewMap<string, object>();
  for (const each of ['a', 'b', 'c']) few.set(each, {});
  for (const each of few.keys()) few.delete(each);
  expect(few.size).toBe(0);
});
