import type * as Onesocket from 'onesocket';
import { libraryPath, sides, topic, type BenchPlan, type BenchRow, type Side } from './contract.ts';
import type { Lab } from './lab.ts';
import { inTurn, median, quantile } from './statistics.ts';

const pipelined = 20_000;
const single = 300;
const singleWarmUps = 100;
/** Part of the messages that is sent before the measurement: engines compile what is called often. */
const warmUpShare = 0.25;

interface Measured {
  readonly perSecond: number;
  /** Round trips one after the other, in milliseconds each. */
  readonly times: readonly number[];
}

/** From `publish` to `acked`, stored on the way, beside the echo of a page's own WebSocket, which stores nothing. */
export async function measureAcknowledged(lab: Lab, plan: BenchPlan): Promise<BenchRow[]> {
  const values = await inTurn(plan.repetitions, sides, (side) => acknowledged(lab, side, plan.scale));
  const peerName = 'echo of a WebSocket';
  const time = (name: string, share: number): BenchRow => {
    const of = ({ times }: Measured) => quantile(times, share);
    const [ours, peer] = [median(values.ours.map(of)), median(values.direct.map(of))];
    return { suite: 'durable', name, unit: 'ms', ours, peer, peerName, ratio: peer / ours };
  };
  const [ours, peer] = [values.ours, values.direct].map((of) => median(of.map(({ perSecond }) => perSecond)));
  return [
    {
      suite: 'durable',
      name: 'acked',
      unit: 'acked/s',
      ours: ours!,
      peer: peer!,
      peerName,
      ratio: ours! / peer!,
    },
    time('acked p50', 0.5),
    time('acked p99', 0.99),
  ];
}

const acknowledged = (lab: Lab, side: Side, scale: number): Promise<Measured> =>
  lab.withProfile((profile) =>
    profile.withPages(1, async ([page]) => {
      const url = page!.url().replace('http', 'ws') + (side === 'ours' ? 'realtime' : 'direct');
      await page!.evaluate(preparePage[side], { url, topic, libraryPath });
      const count = pipelined * scale;
      await page!.evaluate(sendAll, count * warmUpShare);
      const perSecond = (count * 1000) / (await page!.evaluate(sendAll, count));
      await page!.evaluate(sendSingly, singleWarmUps);
      return { perSecond, times: await page!.evaluate(sendSingly, single * scale) };
    }),
  );

interface Given {
  readonly url: string;
  readonly topic: string;
  readonly libraryPath: string;
}

type SendingWindow = typeof globalThis & { send(payload: object): Promise<unknown> };

const preparePage: Record<Side, (given: Given) => Promise<void>> = {
  async ours({ url, topic: to, libraryPath: entry }) {
    const { connect } = (await import(entry)) as typeof Onesocket;
    const socket = connect(url, { queue: { maxEntries: 1_000_000, maxBytes: 2 ** 30 } });
    const send = (payload: object) => socket.publish(to, payload).acked;
    Object.assign(globalThis, { send });
    await send({});
  },
  async direct({ url }) {
    const socket = new WebSocket(url);
    await new Promise((resolve) => (socket.onopen = resolve));
    const waiting: ((data: unknown) => void)[] = [];
    let next = 0;
    socket.onmessage = ({ data }) => waiting[next++]!(data);
    const send = (payload: object) =>
      new Promise((resolve) => {
        waiting.push(resolve);
        socket.send(JSON.stringify(payload));
      });
    Object.assign(globalThis, { send });
  },
};

/** Gives the milliseconds that it took. */
async function sendAll(count: number): Promise<number> {
  const { send } = globalThis as SendingWindow;
  const text = 'x'.repeat(78);
  const startedAt = performance.now();
  await Promise.all(Array.from({ length: count }, (_, n) => send({ n: 100_000 + n, text })));
  return performance.now() - startedAt;
}

async function sendSingly(count: number): Promise<number[]> {
  const { send } = globalThis as SendingWindow;
  const text = 'x'.repeat(78);
  const times: number[] = [];
  for (let n = 0; n < count; n++) {
    const startedAt = performance.now();
    await send({ n: 100_000 + n, text });
    times.push(performance.now() - startedAt);
  }
  return times;
}
