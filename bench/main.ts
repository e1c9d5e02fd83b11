import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { benchBrowsers, type BenchPlan, type BenchRow } from './contract.ts';
import { measureDurable } from './durable.ts';
import { measureFailover } from './failover.ts';
import { measureFanout } from './fanout.ts';
import { openLab, type Lab } from './lab.ts';
import { measureLatency } from './latency.ts';
import { measureServerCost } from './server-cost.ts';

const suites: Record<BenchRow['suite'], (lab: Lab, plan: BenchPlan) => Promise<BenchRow[]>> = {
  fanout: measureFanout,
  latency: measureLatency,
  server: measureServerCost,
  durable: measureDurable,
  failover: measureFailover,
};

const usage = `npm run bench [-- [suite ...] [--quick] [--json FILE] [--browser ${benchBrowsers.join('|')}]]   suites: ${Object.keys(suites).join(', ')}`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { quick: { type: 'boolean' }, json: { type: 'string' }, browser: { type: 'string' } },
});
const chosen = positionals.length > 0 ? positionals : Object.keys(suites);
const unknown = chosen.filter((name) => !(name in suites));
if (unknown.length > 0) {
  console.error(`No suite ${unknown.join(', ')}. Usage: ${usage}`);
  process.exit(2);
}

const browser = benchBrowsers.find((name) => name === (values.browser ?? 'chromium'));
// Only the end of a hub has been taught other browsers.
if (!browser || (browser !== 'chromium' && chosen.some((name) => name !== 'failover'))) {
  console.error(`Only failover runs in another browser, and only in one of these. Usage: ${usage}`);
  process.exit(2);
}

const plan: BenchPlan = {
  ...(values.quick ? { repetitions: 1, scale: 1 } : { repetitions: 5, scale: 3 }),
  browser,
};
const rows: BenchRow[] = [];
for (const name of chosen) {
  // Each suite has a server and a browser of its own: what one leaves in memory must not cost the next.
  await using lab = await openLab();
  for (const row of await suites[name as BenchRow['suite']](lab, plan)) {
    rows.push(row);
    console.log(asLine(row));
  }
}
if (values.json) await writeFile(values.json, `${JSON.stringify(rows, null, 2)}\n`);

function asLine({ suite, name, unit, ours, peer, peerName, ratio }: BenchRow): string {
  const label = `${suite} ${name}`.padEnd(20);
  return `${label} ${figure(ours)} ${unit}, ${peerName}: ${figure(peer)}, ratio ${ratio.toFixed(2)}`;
}

function figure(value: number): string {
  return value >= 100 ? Math.round(value).toLocaleString('en') : value.toFixed(2);
}
