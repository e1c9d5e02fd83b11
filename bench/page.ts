import type * as Onesocket from 'onesocket';
import type { Page } from 'playwright';
import { libraryPath, topic, type Side } from './contract.ts';

/** One tab. */
export interface BenchTab {
  /** Connects in the way of one side; settles when messages can flow. */
  connect(side: Side): Promise<void>;
  /** Settles with the time (ms since the epoch) at which message number `count` came; rejects if one is missing. */
  received(count: number): Promise<number>;
  /** Round trips one after the other, in milliseconds each. */
  roundTrips(count: number): Promise<number[]>;
}

/** What the page keeps between the calls. */
interface PageState {
  send(payload: { n: number }): void;
  onPayload: ((payload: { n: number }) => void) | undefined;
  last: number;
  lastAt: number;
  missing: string | undefined;
  told: (() => void) | undefined;
}

type BenchWindow = typeof globalThis & { bench: PageState };

/** Loads a page, with the library, and connects nothing yet. */
export async function openBenchTab(page: Page, port: number): Promise<BenchTab> {
  await page.goto(`http://127.0.0.1:${port}/`);
  await page.evaluate(async (entry) => void (await import(entry)), libraryPath);
  return {
    connect: (side) => page.evaluate(connectPage, { side, port, topic, libraryPath }),
    received: (count) => page.evaluate(waitForCount, count),
    roundTrips: (count) => page.evaluate(measureRoundTrips, count),
  };
}

interface ConnectPage {
  readonly side: Side;
  readonly port: number;
  readonly topic: string;
  readonly libraryPath: string;
}

async function connectPage({ side, port, topic: name, libraryPath: entry }: ConnectPage): Promise<void> {
  const state: PageState = {
    send: () => {},
    onPayload: undefined,
    last: 0,
    lastAt: 0,
    missing: undefined,
    told: undefined,
  };
  (globalThis as BenchWindow).bench = state;
  const take = (payload: { n: number }) => {
    if (payload.n !== state.last + 1 && !state.onPayload) state.missing = `${payload.n} after ${state.last}`;
    state.last = payload.n;
    state.lastAt = performance.timeOrigin + performance.now();
    state.onPayload?.(payload);
    state.told?.();
  };
  if (side === 'direct') {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/direct`);
    socket.onmessage = ({ data }) => take(JSON.parse(data as string));
    state.send = (payload) => socket.send(JSON.stringify(payload));
    await new Promise((resolve) => (socket.onopen = resolve));
    return;
  }
  const { connect } = (await import(entry)) as typeof Onesocket;
  const socket = connect(`ws://127.0.0.1:${port}/realtime`);
  const subscription = socket.subscribe(name);
  subscription.onMessage(({ payload }) => take(payload as { n: number }));
  subscription.onGap(({ reason, missed }) => (state.missing = `a gap of ${missed}: ${reason}`));
  state.send = (payload) => void socket.publish(name, payload);
  await subscription.ready;
}

function waitForCount(count: number): Promise<number> {
  const { bench } = globalThis as BenchWindow;
  return new Promise((resolve, reject) => {
    bench.told = () => {
      if (bench.missing) reject(new Error(`a message is missing: ${bench.missing}`));
      else if (bench.last >= count) resolve(bench.lastAt);
    };
    bench.told();
  });
}

async function measureRoundTrips(count: number): Promise<number[]> {
  const { bench } = globalThis as BenchWindow;
  const times: number[] = [];
  for (let n = 1; n <= count; n++) {
    const sentAt = performance.now();
    await new Promise<void>((resolve) => {
      bench.onPayload = (payload) => payload.n === n && resolve();
      bench.send({ n });
    });
    times.push(performance.now() - sentAt);
  }
  bench.onPayload = undefined;
  return times;
}
