import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { platformClock } from './clock.ts';

describe('the timers of the platform', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('run once after their time, unless they are taken back', () => {
    const runs: string[] = [];
    platformClock.after(50, () => runs.push('a'));
    platformClock.after(60, () => runs.push('b'))();
    vi.advanceTimersByTime(49);
    expect(runs).toEqual([]);
    vi.advanceTimersByTime(100);
    expect(runs).toEqual(['a']);
  });

  it('never become short because they are too long, as those of the platform do', () => {
    const timeout = vi.spyOn(globalThis, 'setTimeout');
    platformClock.after(Number.MAX_SAFE_INTEGER, () => {})();
    expect(timeout.mock.lastCall?.[1]).toBe(2 ** 31 - 1);
  });
});

describe('the moment', () => {
  it('has two clocks in milliseconds and a random number', () => {
    const { now, ticks, random } = platformClock.context();
    expect(Math.abs(now - Date.now())).toBeLessThan(1_000);
    expect(ticks).toBeGreaterThan(0);
    expect(random >= 0 && random < 1).toBe(true);
  });
});
