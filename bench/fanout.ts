import { sides, type BenchPlan, type BenchRow, type Side } from './contract.ts';
import type { Lab } from './lab.ts';
import { inTurn, median } from './statistics.ts';

/** Tabs, and messages that each of them gets at scale 1. */
const cases = [
  { tabs: 1, messages: 40_000 },
  { tabs: 8, messages: 10_000 },
  { tabs: 20, messages: 4_000 },
];

/** Deliveries per second when the server publishes as fast as it can; every message is checked in every tab. */
export async function measureFanout(lab: Lab, plan: BenchPlan): Promise<BenchRow[]> {
  const rows: BenchRow[] = [];
  for (const { tabs, messages } of cases) {
    const count = messages * plan.scale;
    const values = await inTurn(plan.repetitions, sides, (side) =>
      deliveriesPerSecond(lab, side, tabs, count),
    );
    const [ours, peer] = [median(values.ours), median(values.direct)];
    const name = tabs === 1 ? '1 tab' : `${tabs} tabs`;
    rows.push({
      suite: 'fanout',
      name,
      unit: 'deliveries/s',
      ours,
      peer,
      peerName: 'a WebSocket per tab',
      ratio: ours / peer,
    });
  }
  return rows;
}

async function deliveriesPerSecond(lab: Lab, side: Side, tabs: number, count: number): Promise<number> {
  return lab.withTabs(tabs, async (open) => {
    await Promise.all(open.map((tab) => tab.connect(side)));
    const all = Promise.all(open.map((tab) => tab.received(count)));
    const [endedAt, startedAt] = await Promise.all([all, lab.flood(side, count)]);
    return (tabs * count * 1000) / (Math.max(...endedAt) - startedAt);
  });
}
