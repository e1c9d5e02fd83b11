import { describe, expect, it } from 'vitest';
import { withDeadline, withWakingDeadline } from './deadline.ts';
import * as workerLimits from './limits.ts';

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

describe('a promise with a deadline for a code that may be frozen', () => {
  /** A clock whose newest timer is ended by hand, at any time. */
  function slowClock() {
    const timers: (() => void)[] = [];
    let ticks = 0;
    return {
      timers,
      context: () => ({ now: 0, random: 0, ticks }),
      after(_delayMs: number, run: () => void) {
        timers.push(run);
        return () => {};
      },
      async elapse(toTicks: number) {
        ticks = toTicks;
        timers.at(-1)!();
        await new Promise((resolve) => setImmediate(resolve));
      },
    };
  }
  const never = new Promise<number>(() => {});

  it('gives undefined once a time is over in which the code ran', async () => {
    const clock = slowClock();
    const result = withWakingDeadline(never, 10, clock);
    await clock.elapse(10 + workerLimits.lateTimerMs);
    await expect(result).resolves.toBeUndefined();
    expect(clock.timers).toHaveLength(1);
  });

  it('gets the whole time once more where the deadline came far too late, and then no more', async () => {
    const clock = slowClock();
    const result = withWakingDeadline(never, 10, clock);
    await clock.elapse(20_000);
    expect(clock.timers).toHaveLength(2);
    await clock.elapse(60_000);
    await expect(result).resolves.toBeUndefined();
    expect(clock.timers).toHaveLength(2);
  });

  it('gives the value of a promise that was due with the late deadline', async () => {
    const clock = slowClock();
    let resolve: (value: number) => void = () => {};
    const result = withWakingDeadline(new Promise<number>((done) => (resolve = done)), 10, clock);
    await clock.elapse(20_000);
    resolve(7);
    await expect(result).resolves.toBe(7);
  });
});
