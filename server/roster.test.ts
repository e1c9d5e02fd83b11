import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Roster, type Listed } from './roster.ts';

const members = (count: number): Listed[] => Array.from({ length: count }, () => ({ place: -1 }));

test('is a set, whoever comes and goes', () => {
  const step = fc.record({ comes: fc.boolean(), who: fc.nat(5) });
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const all = members(6);
      const roster = new Roster<Listed>();
      const model = new Set<Listed>();
      for (const { comes, who } of steps) {
        const member = all[who]!;
        if (comes) roster.add(member);
        else roster.delete(member);
        if (comes) model.add(member);
        else model.delete(member);
        expect(roster.size).toBe(model.size);
        const numbers = (given: Iterable<Listed>) => [...given].map((each) => all.indexOf(each)).toSorted();
        expect(numbers(roster.list())).toEqual(numbers(model));
      }
    }),
  );
});

test('visits each member once, and nobody who has left, whatever a visit does', () => {
  const [first, second, third, fourth] = members(4);
  const roster = new Roster<Listed>();
  for (const member of [first!, second!, third!]) roster.add(member);
  const visited: Listed[] = [];
  roster.each((member) => {
    visited.push(member);
    roster.delete(member);
    roster.delete(second!);
    roster.add(fourth!);
  });
  expect(visited).toEqual([first, third]);
  expect(roster.list()).toEqual([fourth]);
});
