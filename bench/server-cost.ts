import { measureCapacity } from './capacity.ts';
import type { BenchPlan, BenchRow, ServerCost, Side } from './contract.ts';
import type { Lab } from './lab.ts';
import type { BenchTab } from './page.ts';
import { measurePublishRate } from './publish-rate.ts';
import { median } from './statistics.ts';

const tabs = 20;

/** What 20 tabs, and what a crowd of connections cost the server. */
export async function measureServerCost(lab: Lab, plan: BenchPlan): Promise<BenchRow[]> {
  return [
    ...(await measureTabs(lab, plan)),
    ...(await measureCapacity(plan)),
    ...(await measurePublishRate(plan)),
  ];
}

async function measureTabs(lab: Lab, { repetitions }: BenchPlan): Promise<BenchRow[]> {
  // One round is too noisy for a figure of some kilobytes.
  const rounds = Math.max(2, repetitions);
  const ours = await costOf(lab, 'ours', rounds);
  const direct = await costOf(lab, 'direct', rounds);
  const peerName = 'a WebSocket per tab';
  const row = (name: string, unit: string, of: (cost: ServerCost) => number): BenchRow => {
    const [mine, peer] = [of(ours), of(direct)];
    return { suite: 'server', name, unit, ours: mine, peer, peerName, ratio: peer / mine };
  };
  return [
    row('connections', `for ${tabs} tabs`, (cost) => cost.connections),
    row('memory', `kB for ${tabs} tabs`, (cost) => cost.memoryBytes / 1000),
  ];
}

/** The difference that connecting 20 loaded pages makes, median of some rounds. The first one warms the server up. */
async function costOf(lab: Lab, side: Side, rounds: number): Promise<ServerCost> {
  const costs: ServerCost[] = [];
  for (let round = 0; round <= rounds; round++)
    costs.push(await lab.withTabs(tabs, (open) => measure(lab, side, open)));
  const counted = costs.slice(1);
  return {
    connections: median(counted.map((cost) => cost.connections)),
    memoryBytes: median(counted.map((cost) => cost.memoryBytes)),
  };
}

async function measure(lab: Lab, side: Side, open: readonly BenchTab[]): Promise<ServerCost> {
  const before = await lab.costOfNobody(side);
  for (const tab of open) await tab.connect(side);
  const { connections, memoryBytes } = await lab.cost(side);
  return { connections, memoryBytes: memoryBytes - before.memoryBytes };
}
