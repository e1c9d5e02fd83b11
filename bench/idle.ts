import { type BenchPlan, type BenchRow, type NodeMemory, type Side } from './contract.ts';
import { openNode, type Node } from './node.ts';

const connectionsDefault = 50_000;
/** Files that a process needs besides its connections. */
const sparedFiles = 500;

interface Idle {
  readonly heapBytes: number;
  readonly rssBytes: number;
  /** Milliseconds until each connection has one message. */
  readonly reachMs: number;
}

/** What tens of thousands of connections hold in memory that do nothing, and that a message still reaches each. */
export async function measureIdle({ connections = connectionsDefault }: BenchPlan): Promise<BenchRow[]> {
  const files = openFilesMax();
  const nodes = Math.ceil(connections / (files - sparedFiles));
  console.log(`${connections} connections: ${nodes} servers, because a process may have ${files} files open`);
  const [ours, bare] = [await idle('ours', connections, nodes), await idle('direct', connections, nodes)];
  const row = (name: string, unit: string, field: keyof Idle): BenchRow => {
    const [mine, peer] = [ours[field], bare[field]];
    return { suite: 'idle', name, unit, ours: mine, peer, peerName: 'bare ws', ratio: peer / mine };
  };
  return [
    row('heap', `bytes of heap and buffers for each of ${connections} connections`, 'heapBytes'),
    row('rss', `bytes of the process for each of ${connections} connections`, 'rssBytes'),
    row('reach', `ms until each of ${connections} has a message`, 'reachMs'),
  ];
}

/** Node raises the soft limit to the hard one as it starts. */
function openFilesMax(): number {
  const report = process.report.getReport() as unknown as {
    readonly userLimits: { readonly open_files: { readonly hard: number | 'unlimited' } };
  };
  const { hard } = report.userLimits.open_files;
  return hard === 'unlimited' ? Infinity : hard;
}

async function idle(side: Side, connections: number, count: number): Promise<Idle> {
  const nodes: Node[] = [];
  try {
    for (let n = 0; n < count; n++) nodes.push(await openNode(side));
    return await fill(nodes, Math.ceil(connections / count));
  } finally {
    for (const node of nodes) await node[Symbol.asyncDispose]();
  }
}

async function fill(nodes: readonly Node[], each: number): Promise<Idle> {
  const before = await Promise.all(nodes.map((node) => node.memory()));
  for (const node of nodes) await node.gather(each);
  const after = await Promise.all(nodes.map((node) => node.memory()));
  const grown = (field: keyof NodeMemory) =>
    after.reduce((sum, memory, n) => sum + memory[field] - before[n]![field], 0) / (each * nodes.length);
  const reachMs = Math.max(...(await Promise.all(nodes.map((node) => node.emit(1)))));
  return { heapBytes: grown('memoryBytes'), rssBytes: grown('rssBytes'), reachMs };
}
