import type { Clock } from './clock.ts';

/** Timers that can be ended together. */
export interface TimerGroup extends Pick<Clock, 'after'> {
  endAll(): void;
}

/** Timers of a clock that end with whoever started them. */
export function timerGroup(clock: Pick<Clock, 'after'>): TimerGroup {
  const cancels = new Set<() => void>();
  return {
    after(delayMs, run) {
      const cancel = () => {
        cancels.delete(cancel);
        cancelTimer();
      };
      const cancelTimer = clock.after(delayMs, () => {
        cancels.delete(cancel);
        run();
      });
      cancels.add(cancel);
      return cancel;
    },
    endAll: () => cancels.forEach((cancel) => cancel()),
  };
}
