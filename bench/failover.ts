import type * as Onesocket from 'onesocket';
import type { BrowserContext, Page } from 'playwright';
import { electionPath, libraryPath, type BenchPlan, type BenchRow } from './contract.ts';
import type { Lab } from './lab.ts';
import type { MortalBrowser } from './mortal-browser.ts';
import { median } from './statistics.ts';

const followers = 3;
/** How often each is repeated in a full run; a quick one takes two of each. */
const repetitions = 20;

/** A way in which the hub's host ends. */
interface Ending {
  readonly name: string;
  readonly host: 'shared-worker' | 'dedicated-worker';
  /** Gives what undoes it, if anything does. */
  end(browser: MortalBrowser, leader: Page): Promise<(() => void) | void> | void;
  /** What an election alone can be measured with; null where nobody else ever elects anew. */
  readonly peerBoundMs?: number;
  /** Whether nobody publishes when it ends; else it nearly always is in the middle of a write. */
  readonly isQuiet?: boolean;
}

const endings: readonly Ending[] = [
  { name: 'leader closed', host: 'dedicated-worker', end: (_, leader) => void leader.close() },
  { name: 'leader crashed', host: 'dedicated-worker', end: (browser, leader) => browser.crash(leader) },
  // An election by lock alone never ends while its leader is frozen: beside ours stand the bounds that we state.
  {
    name: 'leader frozen',
    host: 'dedicated-worker',
    end: (browser) => browser.freezeLeader(),
    peerBoundMs: 7_000,
    isQuiet: true,
  },
  {
    name: 'frozen in a write',
    host: 'dedicated-worker',
    end: (browser) => browser.freezeLeader(),
    peerBoundMs: 17_000,
  },
  { name: 'worker killed', host: 'shared-worker', end: (browser) => browser.killSharedWorkers() },
];

/**
 * From the end of a hub's host to the moment when the last of the other tabs has had a message acknowledged again, beside
 * the time in which `broadcast-channel` elects a new leader and does nothing else.
 */
export async function measureFailover(lab: Lab, plan: BenchPlan): Promise<BenchRow[]> {
  const count = plan.repetitions === 1 ? 2 : repetitions;
  const rows: BenchRow[] = [];
  for (const ending of endings) {
    const ours: number[] = [];
    const peer: number[] = [];
    for (let index = 0; index < count; index += 1) {
      ours.push(await lab.withBrowser(plan.browser, (browser, port) => failOver(browser, port, ending)));
      if (!ending.peerBoundMs)
        peer.push(await lab.withBrowser(plan.browser, (browser, port) => elect(browser, port, ending)));
    }
    const peerMs = ending.peerBoundMs ?? median(peer);
    rows.push({
      suite: 'failover',
      name: ending.name,
      unit: 'ms',
      ours: median(ours),
      peer: peerMs,
      peerName: ending.peerBoundMs ? 'the stated bound' : 'broadcast-channel, which only elects',
      ratio: peerMs / median(ours),
    });
  }
  return rows;
}

async function failOver(
  browser: MortalBrowser,
  port: number,
  { host, end, isQuiet }: Ending,
): Promise<number> {
  const [leader, ...others] = await openPages(browser.context, port);
  for (const page of [leader!, ...others]) {
    await page.evaluate(connectPage, { port, host, entry: libraryPath });
  }
  const publish = () => others.map((page) => page.evaluate(untilAnotherHub));
  const isFlowing = () => (globalThis as PublishingPage).publishing;
  const before = isQuiet ? null : publish();
  if (before) await Promise.all(others.map((page) => page.evaluate(isFlowing)));
  const endedAt = Date.now();
  const undo = await end(browser, leader!);
  const back = before ?? publish();
  const backAt = Math.max(...(await Promise.all(back)));
  undo?.();
  return backAt - endedAt;
}

async function elect(browser: MortalBrowser, port: number, { end, host }: Ending): Promise<number> {
  const [leader, ...others] = await openPages(browser.context, port);
  for (const page of [leader!, ...others]) await page.addScriptTag({ url: electionPath });
  await leader!.evaluate(awaitLeadership);
  const elected = others.map((page) => page.evaluate(awaitLeadership).catch(() => Infinity));
  await Promise.all(others.map((page) => page.evaluate(() => (globalThis as ElectingPage).applied)));
  const endedAt = Date.now();
  // There is no SharedWorker to be killed: the nearest that there is.
  await (host === 'shared-worker' ? browser.crash(leader!) : end(browser, leader!));
  return (await Promise.race(elected)) - endedAt;
}

async function openPages(context: BrowserContext, port: number): Promise<Page[]> {
  const pages: Page[] = [];
  for (let index = 0; index <= followers; index += 1) {
    const page = await context.newPage();
    await page.goto(`http://127.0.0.1:${port}/`);
    pages.push(page);
  }
  return pages;
}

type PublishingPage = typeof globalThis & {
  socket: Onesocket.OneSocket;
  publishing: Promise<void>;
};

/** Connects; settles when messages can flow. */
async function connectPage({
  port,
  host,
  entry,
}: {
  port: number;
  host: Ending['host'];
  entry: string;
}): Promise<void> {
  const { connect } = (await import(entry)) as typeof Onesocket;
  const socket = connect(`ws://127.0.0.1:${port}/realtime`, { host });
  Object.assign(globalThis, { socket });
  await socket.publish('failover', 0).acked;
}

/** Publishes one message after the other. Settles with the time at which a hub of another id had one acknowledged. */
function untilAnotherHub(): Promise<number> {
  const page = globalThis as PublishingPage;
  const { socket } = page;
  const { hubId } = socket.status;
  let started!: () => void;
  page.publishing = new Promise((resolve) => (started = resolve));
  return new Promise((resolve) => {
    const next = async (n: number): Promise<void> => {
      // What was with a hub that is frozen in the middle of a write is in doubt, and rejects.
      const isAcked = await socket.publish('failover', n).acked.then(
        () => true,
        () => false,
      );
      started();
      if (isAcked && socket.status.hubId !== hubId) resolve(Date.now());
      else setTimeout(() => void next(n + 1), 2);
    };
    void next(1);
  });
}

type ElectingPage = typeof globalThis & {
  BroadcastChannel2: new (name: string) => object;
  createLeaderElection(channel: object): { awaitLeadership(): Promise<void> };
  applied: Promise<unknown>;
};

/** Settles with the time at which this page became the leader. */
async function awaitLeadership(): Promise<number> {
  const page = globalThis as ElectingPage;
  const elected = page.createLeaderElection(new page.BroadcastChannel2('bench')).awaitLeadership();
  // The queue of locks is known to be in order once another question about them is answered.
  page.applied = navigator.locks.query();
  await elected;
  return Date.now();
}
