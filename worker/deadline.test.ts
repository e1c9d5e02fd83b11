import { describe, expect, it } from 'vitest';
import { withDeadline } from './deadline.ts';

/** A clock whose one timer is ended by hand. */
function manualClock() {
  const clock = {
    elapse: () => {},
    cancelled: 0,
    after(_delayMs: number, run: () => void) {
      clock.elapse = run;
      return () => void (clock.cancelled += 1);
    },
  };
  return clock;
}

describe('a promise with a deadline', () => {
  it('gives its value, and the timer ends', async () => {
    const clock = manualClock();
    await expect(withDeadline(Promise.resolve(7), 10, clock)).resolves.toBe(7);
    await Promise.resolve();
    expect(clock.cancelled).toBe(1);
  });

  it('gives undefined once the time is over', async () => {
    const clock = manualClock();
    const result = withDeadline(new Promise<number>(() => {}), 10, clock);
    clock.elapse();
    await expect(result).resolves.toBeUndefined();
  });

  it('rejects as the promise does, and the timer ends', async () => {
    const clock = manualClock();
    await expect(withDeadline(Promise.reject(new Error('no')), 10, clock)).rejects.toThrow('no');
    await Promise.resolve();
    expect(clock.cancelled).toBe(1);
  });

  it('is not changed by what comes after the time is over', async () => {
    const clock = manualClock();
    let reject: (error: Error) => void = () => {};
    const result = withDeadline(new Promise<number>((_, no) => (reject = no)), 10, clock);
    clock.elapse();
    reject(new Error('late'));
    await expect(result).resolves.toBeUndefined();
  });
});
