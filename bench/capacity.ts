import type { BenchPlan, BenchRow, Peer } from './contract.ts';
import { openNode, type Node } from './node.ts';
import { inTurn, median } from './statistics.ts';

/** Connections; a process of a common machine may have 20,000 files open. */
const crowdSize = 10_000;
/** Connections that come and go first: what they leave behind in the process is no cost of the others. */
const firstComers = 200;
/** Messages that are published one at a time, each once everybody has the one before; and as many before them. */
const singles = 10;
/** Messages that are published in one turn of the event loop. */
const burst = 20;
/** Messages of a stream, and the milliseconds from one to the next: a topic in which something happens all the time. */
const stream = { count: 100, everyMs: 10 };
/** More rounds would take longer than they are worth: each has a process of its own. */
const roundsMax = 3;

const peers: readonly Peer[] = ['ours', 'direct', 'socket.io'];
const peerNames = { direct: 'bare ws', 'socket.io': 'socket.io' } as const;

interface Capacity {
  /** Of the server, for each connection. */
  readonly heapBytes: number;
  readonly rssBytes: number;
  /** Deliveries per second of messages one at a time, of a stream, and of a burst. */
  readonly single: number;
  readonly stream: number;
  readonly burst: number;
  /** Microseconds of the server's CPU for each delivery. */
  readonly singleCpu: number;
  readonly streamCpu: number;
  readonly burstCpu: number;
}

/** Of which more is better. */
const rates: ReadonlySet<keyof Capacity> = new Set(['single', 'stream', 'burst']);

/** What thousands of connections with one subscription cost the server, and how fast a message reaches all of them. */
export async function measureCapacity({ repetitions }: BenchPlan): Promise<BenchRow[]> {
  const values = await inTurn(Math.min(repetitions, roundsMax), peers, capacityOf);
  const of = (peer: Peer, field: keyof Capacity) => median(values[peer].map((value) => value[field]));
  const row = (name: string, unit: string, field: keyof Capacity): BenchRow[] =>
    (['direct', 'socket.io'] as const).map((other) => {
      const [ours, peer] = [of('ours', field), of(other, field)];
      const ratio = rates.has(field) ? ours / peer : peer / ours;
      return { suite: 'server', name, unit, ours, peer, peerName: peerNames[other], ratio };
    });
  return [
    ...row('idle heap', `bytes of heap and buffers for each of ${crowdSize} connections`, 'heapBytes'),
    ...row('idle rss', `bytes of the process for each of ${crowdSize} connections`, 'rssBytes'),
    ...row('fan-out', `deliveries/s to ${crowdSize}, one message at a time`, 'single'),
    ...row('fan-out cpu', "µs of the server's CPU for each of those", 'singleCpu'),
    ...row('stream', `deliveries/s to ${crowdSize}, a message each ${stream.everyMs} ms`, 'stream'),
    ...row('stream cpu', "µs of the server's CPU for each of those", 'streamCpu'),
    ...row('burst', `deliveries/s to ${crowdSize}, ${burst} messages at a time`, 'burst'),
    ...row('burst cpu', "µs of the server's CPU for each of those", 'burstCpu'),
  ];
}

async function capacityOf(peer: Peer): Promise<Capacity> {
  await using node = await openNode(peer);
  await node.gather(firstComers);
  await node.leave();
  const before = await node.memory();
  await node.gather(crowdSize);
  const after = await node.memory();
  await fanOut(node, singles, 1);
  const single = await fanOut(node, singles, 1);
  const steady = await fanOut(node, 1, stream.count, stream.everyMs);
  const many = await fanOut(node, 1, burst);
  return {
    heapBytes: (after.memoryBytes - before.memoryBytes) / crowdSize,
    rssBytes: (after.rssBytes - before.rssBytes) / crowdSize,
    single: single.perSecond,
    singleCpu: single.cpuMicros,
    stream: steady.perSecond,
    streamCpu: steady.cpuMicros,
    burst: many.perSecond,
    burstCpu: many.cpuMicros,
  };
}

async function fanOut(node: Node, times: number, count: number, everyMs = 0) {
  const cpuBefore = await node.cpuMs();
  const rates: number[] = [];
  for (let n = 0; n < times; n++) rates.push((crowdSize * count * 1000) / (await node.emit(count, everyMs)));
  const cpuMs = (await node.cpuMs()) - cpuBefore;
  return { perSecond: median(rates), cpuMicros: (cpuMs * 1000) / (crowdSize * times * count) };
}
