import { fileURLToPath } from 'node:url';
import { startServerProcess } from '../demo/backend/server-process.ts';
import { sides, type BenchPlan, type BenchRow, type CrowdCommand, type Side } from './contract.ts';
import type { Lab } from './lab.ts';
import { inTurn, median } from './statistics.ts';

/** Connections; a process of a common machine may have 20,000 files open. */
const crowdSize = 10_000;
/** Messages that are published one at a time, each once everybody has the one before. */
const singles = 10;
/** Messages that are published in one turn of the event loop. */
const burst = 20;
const timeoutMs = 120_000;

interface Capacity {
  /** Heap and buffers of the server for each connection. */
  readonly bytesEach: number;
  /** Deliveries per second of messages one at a time, and of a burst. */
  readonly single: number;
  readonly burst: number;
}

/** What thousands of connections with one subscription cost the server, and how fast a message reaches all of them. */
export async function measureCapacity(lab: Lab, { repetitions }: BenchPlan): Promise<BenchRow[]> {
  // What the first connections leave behind in the process is no cost of the others.
  for (const side of sides) await capacityOf(lab, side);
  const values = await inTurn(repetitions, sides, (side) => capacityOf(lab, side));
  const row = (name: string, unit: string, field: keyof Capacity): BenchRow => {
    const [ours, peer] = [
      median(values.ours.map((value) => value[field])),
      median(values.direct.map((value) => value[field])),
    ];
    const ratio = field === 'bytesEach' ? peer / ours : ours / peer;
    return { suite: 'server', name, unit, ours, peer, peerName: 'bare ws', ratio };
  };
  return [
    row('idle', `bytes each of ${crowdSize} connections`, 'bytesEach'),
    row('fan-out', `deliveries/s to ${crowdSize}, one message at a time`, 'single'),
    row('burst', `deliveries/s to ${crowdSize}, ${burst} messages at a time`, 'burst'),
  ];
}

async function capacityOf(lab: Lab, side: Side): Promise<Capacity> {
  await using crowd = await startServerProcess({
    entry: fileURLToPath(new URL('crowd.ts', import.meta.url)),
  });
  const ask = (command: CrowdCommand) => crowd.request(command, timeoutMs);
  const rate = async (count: number): Promise<number> => {
    await ask({ kind: 'listen', mark: `"n":${count},` });
    const startedAt = await lab.flood(side, count);
    const endedAt = (await ask({ kind: 'heard' })) as number;
    return (crowdSize * count * 1000) / Math.max(1, endedAt - startedAt);
  };
  const before = await lab.costOfNobody(side);
  await ask({ kind: 'gather', side, port: lab.port, count: crowdSize });
  const { memoryBytes } = await lab.cost(side);
  const rates: number[] = [];
  for (let n = 0; n < singles; n++) rates.push(await rate(1));
  const result = {
    bytesEach: (memoryBytes - before.memoryBytes) / crowdSize,
    single: median(rates),
    burst: await rate(burst),
  };
  await ask({ kind: 'leave' });
  await lab.costOfNobody(side);
  return result;
}
