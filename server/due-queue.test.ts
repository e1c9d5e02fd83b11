import fc from 'fast-check';
import { expect, it } from 'vitest';
import { DueQueue, type Due } from './due-queue.ts';
import { VirtualClock } from './virtual-clock.ts';

class Item implements Due {
  dueAt = 0;
  place = -1;
  readonly due: () => void;

  constructor(due: () => void) {
    this.due = due;
  }
}

const step = fc.oneof(
  fc.record({ item: fc.nat(9), setMs: fc.nat(50) }),
  fc.record({ item: fc.nat(9), clear: fc.constant(true) }),
  fc.record({ passMs: fc.nat(20) }),
);

it('has everything due at the time set last, whatever else is set and cleared', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const clock = new VirtualClock();
      const queue = new DueQueue(clock);
      const seen: string[] = [];
      const expected = new Map<number, number>();
      const wanted: string[] = [];
      const items = Array.from({ length: 10 }, (_, n) => new Item(() => seen.push(`${n} ${clock.uptime()}`)));
      const pass = (ms: number) => {
        const end = clock.uptime() + ms;
        const due = [...expected].filter(([, at]) => at <= end);
        for (const [n, at] of due) {
          wanted.push(`${n} ${at}`);
          expected.delete(n);
        }
        clock.advance(ms);
      };
      for (const each of steps) {
        if ('passMs' in each) pass(each.passMs);
        else if ('clear' in each) {
          queue.clear(items[each.item]!);
          expected.delete(each.item);
        } else {
          queue.set(items[each.item]!, each.setMs);
          expected.set(each.item, clock.uptime() + each.setMs);
        }
      }
      pass(100);
      expect(seen.toSorted()).toEqual(wanted.toSorted());
      const times = seen.map((text) => Number(text.split(' ')[1]));
      expect(times).toEqual(times.toSorted((a, b) => a - b));
      expect(clock.pending).toBe(0);
    }),
  );
});

it('has one timer for all, and none where nothing is due', () => {
  const clock = new VirtualClock();
  const queue = new DueQueue(clock);
  const items = Array.from({ length: 5 }, () => new Item(() => undefined));
  for (const [n, item] of items.entries()) queue.set(item, 10 - n);
  expect(clock.pending).toBe(1);
  for (const item of items) queue.clear(item);
  expect(clock.pending).toBe(0);
});

it('goes on with the others behind one that throws', () => {
  const clock = new VirtualClock();
  const queue = new DueQueue(clock);
  let isDue = false;
  queue.set(
    new Item(() => {
      throw new Error('no');
    }),
    1,
  );
  queue.set(new Item(() => (isDue = true)), 1);
  expect(() => clock.advance(1)).toThrow('no');
  clock.advance(1);
  expect(isDue).toBe(true);
});

it('lets an item set itself anew', () => {
  const clock = new VirtualClock();
  const queue = new DueQueue(clock);
  const times: number[] = [];
  const start = clock.uptime();
  const item = new Item(() => {
    times.push(clock.uptime() - start);
    if (times.length < 3) queue.set(item, 5);
  });
  queue.set(item, 5);
  clock.advance(100);
  expect(times).toEqual([5, 10, 15]);
});
