import { expect, it } from 'vitest';
import { Alarm } from './alarm.ts';
import { DueQueue } from './due-queue.ts';
import { VirtualClock } from './virtual-clock.ts';

const day = 86_400_000;

it('rings at a time further ahead than one timer reaches', () => {
  const clock = new VirtualClock();
  let rings = 0;
  const alarm = new Alarm(new DueQueue(clock), () => rings++);
  alarm.set(clock.now() + 60 * day);
  clock.advance(60 * day - 1);
  expect(rings).toBe(0);
  clock.advance(1);
  expect([rings, clock.pending]).toEqual([1, 0]);
});

it('rings once, at the time set last, and not when cleared', () => {
  const clock = new VirtualClock();
  const rings: number[] = [];
  const start = clock.now();
  const alarm = new Alarm(new DueQueue(clock), () => rings.push(clock.now() - start));
  alarm.set(start + 10);
  alarm.set(start + 20);
  clock.advance(50);
  alarm.set(start + 60);
  alarm.clear();
  clock.advance(50);
  expect(rings).toEqual([20]);
});
