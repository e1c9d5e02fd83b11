import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { startServerProcess, type ServerProcess } from '../demo/backend/server-process.ts';
import type {
  BenchPlan,
  BenchRow,
  ClientsCommand,
  StormReport,
  StormServerCommand,
  StormServerUse,
} from './contract.ts';
import { binned, histogram, joined, peak } from './histogram.ts';
import { expectedAttempts } from './jitter.ts';
import { quantile } from './statistics.ts';

const connectionsDefault = 10_000;
/** Clients of one process: each has a tab and a hub, which take about 150 kB together. */
const processClients = 2_500;
/** How long the server is dead before another one takes its place. */
const deadMs = 4_000;
/** When clients publish meanwhile: after the crest of the first wave. */
const publishMs = 2_000;
/** How long a connection has to be open for its attempts to count from zero (`stableMs`), and a little more. */
const stableMs = 6_000;
/** The defaults of `connect`, as they are documented. */
const formula = { baseMs: 1_000, maxMs: 30_000 };
const timeoutMs = 5 * 60 * 1000;
const binMs = 100;
/** Bins of a second, and of a line of the printed curve. */
const secondBins = 10;
const lineBins = 5;
const linesMax = 40;

/** Kills the server under real clients, lets another one take its place, and follows how they come back. */
export async function measureStorm({ connections = connectionsDefault }: BenchPlan): Promise<BenchRow[]> {
  const dir = await mkdtemp(join(tmpdir(), 'onesocket-storm-'));
  const crowds: ServerProcess[] = [];
  try {
    await using first = await startStormServer(dir);
    await using second = await startStormServer(dir);
    const processes = Math.ceil(connections / processClients);
    for (let n = 0; n < processes; n++) {
      crowds.push(
        await startServerProcess({
          entry: fileURLToPath(new URL('storm-clients.ts', import.meta.url)),
          env: { NODE_OPTIONS: '--max-semi-space-size=64' },
        }),
      );
    }
    const clients = Math.ceil(connections / processes) * processes;
    return await storm([first, second], crowds, clients);
  } finally {
    for (const crowd of crowds) await crowd.kill();
    await rm(dir, { recursive: true, force: true });
  }
}

const startStormServer = (dir: string) =>
  startServerProcess({ entry: fileURLToPath(new URL('storm-server.ts', import.meta.url)), args: [dir] });

const listen = async (server: ServerProcess, port: number): Promise<number> => {
  const command: StormServerCommand = { kind: 'listen', port };
  return (await server.request(command, timeoutMs)) as number;
};

const useOf = async (server: ServerProcess): Promise<StormServerUse> => {
  const command: StormServerCommand = { kind: 'use' };
  return (await server.request(command, timeoutMs)) as StormServerUse;
};

async function storm(
  [first, second]: readonly [ServerProcess, ServerProcess],
  crowds: readonly ServerProcess[],
  clients: number,
): Promise<BenchRow[]> {
  const tell = (command: ClientsCommand) =>
    Promise.all(crowds.map((crowd) => crowd.request(command, timeoutMs)));
  const port = await listen(first, 0);
  await tell({ kind: 'gather', port, count: clients / crowds.length });
  // Each topic has a history before, by which those who come back can tell that they have missed nothing.
  await tell({ kind: 'publish', oneOf: 1 });
  await tell({ kind: 'settled' });
  await delay(stableMs);
  await tell({ kind: 'watch' });
  // Some of these the server has when it dies, with and without their acknowledgement; the others come again.
  await tell({ kind: 'publish', oneOf: 10 });
  await first.kill();
  const lostAt = Date.now();
  await delay(publishMs);
  // Not awaited before the server is back: a machine that is busy with all these clients may take its time.
  const published = tell({ kind: 'publish', oneOf: 1 });
  await delay(deadMs - (Date.now() - lostAt));
  await listen(second, port);
  const downMs = Date.now() - lostAt;
  const before = await useOf(second);
  await published;
  const reports = (await tell({ kind: 'settled' })) as StormReport[];
  const settledMs = Date.now() - lostAt;
  const { cpuMs, stallMs } = await useOf(second);
  const cpuEach = (cpuMs - before.cpuMs) / clients;
  return judge(reports, { clients, downMs, settledMs, cpuEach, stallMs, lostAt });
}

interface Storm {
  readonly clients: number;
  readonly lostAt: number;
  readonly downMs: number;
  /** From the loss until the last message and acknowledgement. */
  readonly settledMs: number;
  /** Milliseconds of the server's CPU for each client that comes back. */
  readonly cpuEach: number;
  readonly stallMs: number;
}

function judge(reports: readonly StormReport[], storm: Storm): BenchRow[] {
  const { clients, lostAt, downMs, settledMs, cpuEach, stallMs } = storm;
  const messages = checkedMessages(reports);
  const since = (times: (report: StormReport) => readonly number[]) =>
    reports.flatMap((report) => times(report).map((at) => Math.max(0, at - lostAt)));
  // Without what this machine lost by itself, which has to do what in the field each client does on its own: each wait
  // begins where the one before ended. Who would be back by then plans no more.
  const plans = reports
    .flatMap((report) => report.planned)
    .filter(({ failedAt, waitMs, afterMs }) => failedAt - lostAt < downMs && afterMs - waitMs < downMs);
  const back = since((report) => report.opened);
  const curves = {
    theory: expectedAttempts(formula, { clients, downMs, binMs }),
    planned: binned(
      plans.map(({ afterMs }) => afterMs),
      binMs,
    ),
    lost: binned(
      since((report) => report.lost),
      binMs,
    ),
    dialled: binned(
      since((report) => report.dialled),
      binMs,
    ),
    open: binned(back, binMs),
  };
  console.log(`${clients} clients lose their server at 0; it listens again after ${downMs} ms`);
  console.log(printed(curves));
  console.log(
    `The server used ${cpuEach.toFixed(2)} ms of CPU for each client that came back; its event loop stood still for ${stallMs.toFixed(0)} ms at most`,
  );
  return rowsOf({ ...curves, back, settledMs, downMs, messages });
}

/** How many deliveries there were. Throws unless each message came to each subscriber once. */
function checkedMessages(reports: readonly StormReport[]): number {
  const total = (field: 'arrived' | 'expected' | 'repeated' | 'gaps') =>
    reports.reduce((sum, report) => sum + report[field], 0);
  const [arrived, expected] = [total('arrived'), total('expected')];
  if (arrived !== expected || total('repeated') > 0 || total('gaps') > 0) {
    throw new Error(
      `${arrived} of ${expected} came, ${total('repeated')} again; told of ${total('gaps')} gaps`,
    );
  }
  return arrived;
}

function printed(curves: Readonly<Record<string, readonly number[]>>): string {
  const longest = Math.max(...Object.values(curves).map((bins) => bins.length));
  const width = lineBins * Math.ceil(longest / lineBins / linesMax);
  const lines = Object.entries(curves).map(([name, bins]) => [name, joined(bins, width)] as const);
  return histogram(Object.fromEntries(lines), binMs * width).join('\n');
}

interface Curves {
  readonly theory: readonly number[];
  readonly planned: readonly number[];
  readonly dialled: readonly number[];
  /** When each client was back. */
  readonly back: readonly number[];
  readonly downMs: number;
  readonly settledMs: number;
  readonly messages: number;
}

function rowsOf({ theory, planned, dialled, back, downMs, settledMs, messages }: Curves): BenchRow[] {
  const row = (name: string, unit: string, ours: number, peer: number): BenchRow => {
    return { suite: 'storm', name, unit, ours, peer, peerName: 'theory', ratio: peer / ours };
  };
  const second = (bins: readonly number[]) => peak(bins, secondBins);
  const isUp = (_: number, bin: number) => (bin + 1) * binMs > downMs;
  const theoryBack = timesOf(theory.map((count, bin) => (isUp(count, bin) ? count : 0)));
  const backRow = (share: number): BenchRow => {
    const [ours, peer] = [quantile(back, share) - downMs, quantile(theoryBack, share) - downMs];
    return row(`back ${share * 100} %`, `ms after the server listens, ${share * 100} % open`, ours, peer);
  };
  const returned = second(dialled.filter(isUp));
  return [
    row('planned', 'attempts in the fullest second, as the hubs drew them', second(planned), second(theory)),
    row(
      'dialled',
      'attempts in the fullest second, as this machine made them',
      second(dialled),
      second(theory),
    ),
    row('return', 'the same, of those that the server meets', returned, second(theory.filter(isUp))),
    row('attempts', 'in all', sum(dialled), sum(theory)),
    backRow(0.5),
    backRow(0.99),
    backRow(1),
    row(
      'settled',
      `ms after the server listens, each of ${messages} deliveries there once`,
      settledMs - downMs,
      quantile(theoryBack, 1) - downMs,
    ),
  ];
}

const sum = (bins: readonly number[]): number => bins.reduce((total, count) => total + count, 0);

/** As many times as the bins count, each in the middle of its bin. */
const timesOf = (bins: readonly number[]): number[] =>
  bins.flatMap((count, bin) => Array.from({ length: Math.round(count) }, () => (bin + 0.5) * binMs));
