import { sides, type BenchPlan, type BenchRow, type Side } from './contract.ts';
import { openNode } from './node.ts';
import { inTurn, median } from './statistics.ts';

/** Many with one message under way each, as people type; and some with a full window, as an outbox is emptied. */
const cases = [
  { name: 'publish', clients: 1_000, window: 1, each: 20 },
  { name: 'publish full', clients: 100, window: 1_024, each: 2_048 },
] as const;

interface Rate {
  readonly perSecond: number;
  /** Microseconds of the server's CPU for each message. */
  readonly cpuMicros: number;
}

/** Messages per second that clients publish and get acknowledged; nobody is subscribed, and history is kept in memory. */
export async function measurePublishRate({ repetitions }: BenchPlan): Promise<BenchRow[]> {
  const rows: BenchRow[] = [];
  for (const kind of cases) {
    const values = await inTurn(repetitions, sides, (side) => rateOf(side, kind));
    const row = (name: string, unit: string, field: keyof Rate): BenchRow => {
      const [ours, peer] = [
        median(values.ours.map((value) => value[field])),
        median(values.direct.map((value) => value[field])),
      ];
      const ratio = field === 'perSecond' ? ours / peer : peer / ours;
      return { suite: 'server', name, unit, ours, peer, peerName: 'bare ws', ratio };
    };
    const { name, clients, window } = kind;
    rows.push(
      row(name, `acknowledged/s, ${clients} clients with ${window} under way`, 'perSecond'),
      row(`${name} cpu`, "µs of the server's CPU for each of those", 'cpuMicros'),
    );
  }
  return rows;
}

async function rateOf(side: Side, { clients, window, each }: (typeof cases)[number]): Promise<Rate> {
  await using node = await openNode(side);
  await node.gather(clients);
  // The first run makes the code warm.
  await node.publish(each, window);
  const cpuBefore = await node.cpuMs();
  const tookMs = await node.publish(each, window);
  const cpuMs = (await node.cpuMs()) - cpuBefore;
  const messages = clients * each;
  return { perSecond: (messages * 1000) / tookMs, cpuMicros: (cpuMs * 1000) / messages };
}
