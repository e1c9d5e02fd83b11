import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { benchBrowsers, type BenchPlan, type BenchRow, type SuiteName } from './contract.ts';
import { measureDurable } from './durable.ts';
import { measureFailover } from './failover.ts';
import { measureFanout } from './fanout.ts';
import { measureIdle } from './idle.ts';
import { openLab, type Lab } from './lab.ts';
import { measureLatency } from './latency.ts';
import { measureServerCost } from './server-cost.ts';
import { measureStorm } from './storm.ts';

type Measure = (plan: BenchPlan) => Promise<BenchRow[]>;

/** Each suite has a server and a browser of its own: what one leaves in memory must not cost the next. */
const inLab =
  (measure: (lab: Lab, plan: BenchPlan) => Promise<BenchRow[]>): Measure =>
  async (plan) => {
    await using lab = await openLab();
    return await measure(lab, plan);
  };

const suites: Record<SuiteName, Measure> = {
  fanout: inLab(measureFanout),
  latency: inLab(measureLatency),
  server: inLab(measureServerCost),
  durable: inLab(measureDurable),
  failover: inLab(measureFailover),
  idle: measureIdle,
  storm: measureStorm,
};
/** They run only where they are named: they fill the machine. */
const onlyByName: readonly string[] = ['idle', 'storm'] satisfies SuiteName[];

const usage = `npm run bench [-- [suite ...] [--quick] [--json FILE] [--connections N] [--browser ${benchBrowsers.join('|')}]]
suites: ${Object.keys(suites).join(', ')}; those that are not run unless named: ${onlyByName.join(', ')}`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: 'boolean' },
    json: { type: 'string' },
    connections: { type: 'string' },
    browser: { type: 'string' },
  },
});
const byDefault = Object.keys(suites).filter((name) => !onlyByName.includes(name));
const chosen = positionals.length > 0 ? positionals : byDefault;
const unknown = chosen.filter((name) => !(name in suites));
if (unknown.length > 0) {
  console.error(`No suite ${unknown.join(', ')}. Usage: ${usage}`);
  process.exit(2);
}
const connections = values.connections === undefined ? undefined : Number(values.connections);
if (connections !== undefined && !(Number.isInteger(connections) && connections > 0)) {
  console.error(`--connections is a whole number. Usage: ${usage}`);
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
  connections,
};
const rows: BenchRow[] = [];
for (const name of chosen) {
  for (const row of await suites[name as SuiteName](plan)) {
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
