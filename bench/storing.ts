import type { BenchPlan, BenchRow } from './contract.ts';
import type { Lab } from './lab.ts';
import type { Profile } from './profile.ts';
import { inTurn, median } from './statistics.ts';
import { openStore, storeMessages, type Way } from './storing-page.ts';

/** Messages that each way stores at scale 1, shared among the tabs: each runs for about half a second. */
const messages: Record<Way, number> = { ours: 80_000, sequential: 640, pipelined: 640, logux: 800 };
const ways = Object.keys(messages) as Way[];
/** Part of the messages that is stored before the measurement: engines compile what is called often. */
const warmUpShare = 0.25;

/** Messages per second until all are stored, as fast as the tabs can; the server does not answer. */
export async function measureStoring(lab: Lab, plan: BenchPlan): Promise<BenchRow[]> {
  const rows: BenchRow[] = [];
  for (const tabs of [1, 8]) {
    const values = await lab.withProfile((profile) =>
      inTurn(plan.repetitions, ways, (way) =>
        storedPerSecond(profile, way, tabs, messages[way] * plan.scale),
      ),
    );
    const [ours, sequential, pipelined] = [values.ours, values.sequential, values.pipelined].map(median);
    const row = (peerName: string, peer: number): BenchRow => ({
      suite: 'durable',
      name: tabs === 1 ? '1 tab' : `${tabs} tabs`,
      unit: 'stored/s',
      ours: ours!,
      peer,
      peerName,
      ratio: ours! / peer,
    });
    rows.push(
      row('a transaction per message', Math.max(sequential!, pipelined!)),
      row('the store of Logux', median(values.logux)),
    );
  }
  return rows;
}

let lastStore = 0;

async function storedPerSecond(profile: Profile, way: Way, tabs: number, count: number): Promise<number> {
  return profile.withPages(tabs, async (pages) => {
    const name = `store-${(lastStore += 1)}`;
    await Promise.all(pages.map((page) => openStore(page, way, name)));
    const store = (total: number) => Promise.all(pages.map((page) => storeMessages(page, total / tabs)));
    await store(count * warmUpShare);
    const spans = await store(count);
    const startedAt = Math.min(...spans.map((span) => span.startedAt));
    const endedAt = Math.max(...spans.map((span) => span.endedAt));
    return (count * 1000) / (endedAt - startedAt);
  });
}
