import type { Gap, Message } from 'onesocket';
import type { Tick } from './contract.ts';

/** What the ticker's meter shows. */
export interface TickerReading {
  readonly received: number;
  /** Offsets that are missing without a gap notice. Must stay 0. */
  readonly holes: number;
  /** Gap notices, and how many messages they told of where that was known. */
  readonly gaps: number;
  readonly missed: number;
  /** Messages per second, over the last two. */
  readonly perSecond: number;
  /** Milliseconds from the server to this tab, of the newest message. */
  readonly delayMs: number | null;
  /** Newest first. */
  readonly latest: readonly { readonly offset: number; readonly price: number }[];
  /** Messages per bin of the chart, oldest first; the last is not over yet. */
  readonly bins: readonly number[];
}

/** Counts the ticker's messages and checks that no offset is left out. `nowMs` is a monotonic clock's. */
export interface TickerMeter {
  received(
    message: Pick<Message<Tick>, 'epoch' | 'offset' | 'payload'>,
    delayMs: number,
    nowMs: number,
  ): void;
  announced(gap: Pick<Gap, 'epoch' | 'offset' | 'missed'>): void;
  read(nowMs: number): TickerReading;
}

/** Length of a bin of the chart in milliseconds. */
const binMs = 500;
/** Bins in the chart: one minute, and the one that runs. */
const binCount = 121;
const latestMax = 5;

/** A meter at zero. */
export const createTickerMeter = (): TickerMeter => {
  const bins = Array.from({ length: binCount }, () => 0);
  const latest: { offset: number; price: number }[] = [];
  let bin = 0;
  let position: { epoch: string; offset: number } | null = null;
  let [received, holes, gaps, missed] = [0, 0, 0, 0];
  let lastDelayMs: number | null = null;

  // By the clock and not by a timer, since the timers of a hidden tab are late.
  const advanceTo = (nowMs: number): void => {
    const current = Math.floor(nowMs / binMs);
    const passed = Math.min(current - bin, binCount);
    bin = current;
    for (let i = 0; i < passed; i += 1) {
      bins.shift();
      bins.push(0);
    }
  };

  return {
    received({ epoch, offset, payload }, delayMs, nowMs) {
      advanceTo(nowMs);
      // A new epoch without a notice is a hole too, of a size that nobody knows.
      if (position !== null) holes += position.epoch === epoch ? Math.abs(offset - position.offset - 1) : 1;
      position = { epoch, offset };
      received += 1;
      bins.push((bins.pop() ?? 0) + 1);
      lastDelayMs = delayMs;
      latest.unshift({ offset, price: payload.price });
      latest.splice(latestMax);
    },
    announced(gap) {
      position = { epoch: gap.epoch, offset: gap.offset };
      gaps += 1;
      missed += gap.missed ?? 0;
    },
    read(nowMs) {
      advanceTo(nowMs);
      const lastTwoSeconds = bins.slice(-1 - 2_000 / binMs, -1);
      const perSecond = lastTwoSeconds.reduce((sum, count) => sum + count, 0) / 2;
      return { received, holes, gaps, missed, perSecond, delayMs: lastDelayMs, latest, bins };
    },
  };
};
