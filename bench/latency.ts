import { sides, type BenchPlan, type BenchRow } from './contract.ts';
import type { Lab } from './lab.ts';
import { inTurn, median, quantile } from './statistics.ts';

const roundTrips = 1000;
/** Round trips before the measurement: engines compile what is called often. */
const warmUps = 1000;

/** From a send in a tab to the same message back in its handler, one at a time. */
export async function measureLatency(lab: Lab, plan: BenchPlan): Promise<BenchRow[]> {
  const p99s = { ours: [] as number[], direct: [] as number[] };
  const p50s = await inTurn(plan.repetitions, sides, (side) =>
    lab.withTabs(1, async ([tab]) => {
      await tab!.connect(side);
      const times = (await tab!.roundTrips(warmUps + roundTrips * plan.scale)).slice(warmUps);
      p99s[side].push(quantile(times, 0.99));
      return median(times);
    }),
  );
  return [row('p50', p50s), row('p99', p99s)];
}

function row(name: string, values: { readonly ours: number[]; readonly direct: number[] }): BenchRow {
  const [ours, peer] = [median(values.ours), median(values.direct)];
  return { suite: 'latency', name, unit: 'ms', ours, peer, peerName: 'own WebSocket', ratio: peer / ours };
}
