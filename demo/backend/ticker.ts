import type { Tick } from '../contract.ts';

const perMs = 1;
const batchEveryMs = 10;
/** More than this is owed only after a freeze; it is forgotten, since nobody wants the past at full speed. */
const debtMax = 200;

/** Publishes 1,000 prices per second of real time, a batch every 10 ms, until the process ends. */
export const startTicker = (publish: (tick: Tick) => void): void => {
  let price = 100;
  let lastAt = performance.now();
  let owed = 0;
  setInterval(() => {
    const now = performance.now();
    owed = Math.min(owed + (now - lastAt) * perMs, debtMax);
    lastAt = now;
    for (; owed >= 1; owed -= 1) {
      // A random walk that is drawn back to 100, so that the demo can run for days.
      price += (Math.random() - 0.5) * 0.08 + (100 - price) * 0.0004;
      publish({ price: Math.round(price * 1_000) / 1_000 });
    }
  }, batchEveryMs);
};
