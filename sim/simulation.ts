import { Browser } from './browser/browser.ts';
import { Attachment } from './check/attachment.ts';
import { Election } from './check/election.ts';
import { Fencing } from './check/fencing.ts';
import { Ledger } from './check/ledger.ts';
import { ProgressChecks } from './check/progress.ts';
import { StoredCursors } from './check/stored-cursors.ts';
import { Succession } from './check/succession.ts';
import { Topics } from './check/topics.ts';
import { must } from './check/violation.ts';
import { keepsTransfers, wireChecks, type WireChecks } from './check/wire.ts';
import { running } from './globals.ts';
import { Kernel } from './kernel/kernel.ts';
import { Random } from './kernel/random.ts';
import type { Realm } from './kernel/realm.ts';
import * as simLimits from './limits.ts';
import { Network } from './network/network.ts';
import { SimServer } from './server/sim-server.ts';
import { buildOf } from './workload/hosts.ts';
import { Faults } from './workload/faults.ts';
import { hasVersions, planOf, type Plan } from './workload/plan.ts';
import { TabScript } from './workload/tab-script.ts';

/** What became of a seed. */
export interface Outcome {
  readonly seed: number;
  /** Why it failed; null if it did not. */
  readonly failure: unknown;
  readonly simulatedMs: number;
  readonly events: number;
  /** What happened last. */
  timeline(): string;
  readonly plan: Plan;
}

/** What the caller decides and not the seed. */
export interface SimulationOptions {
  /** How much of what happened is remembered. */
  readonly timelineLines?: number | undefined;
  /** Pages, where that is not the plan's to say. */
  readonly pages?: number | undefined;
}

/** Runs one seed from its first page to its last. */
export async function simulate(seed: number, options: SimulationOptions = {}): Promise<Outcome> {
  const simulation = new Simulation(seed, options);
  running.kernel = simulation.kernel;
  await simulation.run();
  running.kernel = null;
  const { kernel, plan } = simulation;
  const { failure, events, now: simulatedMs } = kernel;
  return { seed, failure, events, simulatedMs, plan, timeline: () => kernel.timeline.print() };
}

class Simulation {
  readonly kernel: Kernel;
  readonly plan: Plan;
  readonly #random: Random;
  readonly #ledger: Ledger;
  readonly #topics: Topics;
  readonly #cursors: StoredCursors;
  readonly #fencing = new Fencing();
  readonly #progress: ProgressChecks;
  readonly #attachment: Attachment;
  readonly #election: Election;
  readonly #network: Network;
  readonly #server: SimServer;
  readonly #wire: WireChecks;
  readonly #browser: Browser;
  #scripts: TabScript[] = [];
  #opened = 0;
  #wake = () => {};

  constructor(seed: number, { timelineLines, pages }: SimulationOptions) {
    this.kernel = new Kernel(timelineLines);
    const random = new Random(seed);
    this.#random = random;
    const plan = planOf(random.fork('plan'), pages);
    this.plan = plan;
    this.#progress = new ProgressChecks(keepsTransfers(plan));
    const { kernel } = this;
    const now = () => kernel.now;
    this.#ledger = new Ledger(now, plan.hub.durability === 'strict');
    this.#topics = new Topics(this.#ledger, plan.server.limits.historyMessages);
    this.#cursors = new StoredCursors(now, (sinceMs) => this.#ledger.wasInMemory(sinceMs));
    const wire = wireChecks(kernel, plan, () => this.#server.underWay);
    this.#wire = wire;
    this.#network = new Network(kernel, random.fork('network'), plan.quality, plan.marks, {
      ...wire,
      dialled: (hub) => [this.#progress, wire].forEach((check) => check.dialled(hub)),
      sent: (hub, data) => [this.#progress, wire].forEach((check) => check.sent(hub, data)),
      received: (hub, data) => [this.#progress, wire].forEach((check) => check.received(hub, data)),
    });
    this.#server = new SimServer(kernel, random.fork('server'), this.#network, plan.server, {
      began: () => {
        for (const checker of [this.#ledger, this.#topics, this.#fencing]) checker.began();
      },
      started: () => this.#progress.started(kernel.now),
      reviewed: (id, payload) => kernel.guarded(() => this.#ledger.reviewed(id, payload)),
      opened: (client) => kernel.guarded(() => this.#fencing.opened(client)),
      handled: (publish) =>
        kernel.guarded(() => {
          kernel.timeline.add('backbone', publish.result.kind, publish);
          for (const checker of [this.#fencing, this.#ledger, this.#topics]) checker.handled(publish);
        }),
    });
    const browser = new Browser(kernel, random.fork('browser'), this.#network, plan, {
      ...wire,
      told: (hub, what, topic) => {
        this.#attachment.met(hub);
        kernel.guarded(() => succession.told(hub));
        this.#progress.told(hub, what, topic);
        wire.told(hub, what);
      },
      stopped: (...page) => this.#attachment.stopped(...page),
      evicted: ({ name }) => kernel.guarded(() => must(false, 'nothing reaches a cached page', () => name)),
    });
    this.#browser = browser;
    const election = (this.#election = new Election(kernel));
    const live = () => this.#live;
    const succession = new Succession(kernel, live, (script) => this.#attachment.hubOf(script));
    browser.channels.observer = {
      opened: (...opened) => election.opened(...opened),
      posted: (...posted) => [election, succession].forEach((check) => check.posted(...posted)),
      heard: (...heard) => [election, succession].forEach((check) => check.heard(...heard)),
    };
    browser.locks.stealing = election.stealing;
    this.#attachment = new Attachment(kernel, browser, election, hubName, live);
    this.#browser.disk.committed = (writer, file, writes) =>
      kernel.guarded(() => {
        kernel.timeline.add('disk', 'writes', writes);
        this.#fencing.committed(writer, file, writes);
        this.#cursors.committed(writes);
      });
  }

  async run(): Promise<void> {
    const { kernel, plan } = this;
    kernel.guarded(() => {
      this.#server.start();
      for (let count = 0; count < plan.pages; count += 1) this.#open();
    });
    this.#attachment.watch(hasVersions(plan) || plan.faults['disk-errors'] !== undefined);
    const faults = new Faults(this.#victims, plan, this.#random.fork('faults'));
    this.#wake = () => faults.wake();
    await kernel.run(plan.chaosMs);
    kernel.timeline.add('faults', 'end');
    kernel.guarded(() => faults.end());
    for (const script of this.#live) script.rest();
    // What pages know when they go on is what they knew when they were stopped.
    await kernel.run(kernel.now + simLimits.mourningMs);
    if (hasVersions(plan)) await this.#closeServed();
    this.#attachment.end();
    await this.#settle('everything comes to rest', ({ isQuiet }) => isQuiet);
    if (this.#live.some(({ socket }) => socket.status.durability === 'memory')) {
      await this.#beginAnew();
      await this.#settle('everything comes to rest again', ({ isQuiet }) => isQuiet);
    }
    await this.#settle('everything arrives', ({ followers }) =>
      [...followers].every((follower) => this.#topics.behind(follower) === null),
    );
    for (const entry of this.#ledger.entries) {
      if (this.#ledger.needsInquest(entry)) this.#live[0]?.inquire(entry);
    }
    await this.#settle('every question is answered', ({ isQuiet }) => isQuiet);
    // The server hears a while later what the hub has given up, and so do pages of who dies late of what was planned for it.
    await this.#settle(
      'nothing is left over',
      ({ isQuiet }) => isQuiet && !this.#isMourning && this.#leftovers.length === 0,
    );
    kernel.guarded(() => {
      if (this.#live.length === 0) return;
      this.#attachment.one();
      this.#election.atRest(hubName, this.#browser.locks.held);
    });
    kernel.guarded(() => this.#ledger.finish());
    for (const script of this.#live) script.leave();
    await this.#settle('every promise settles', ({ pending }) => pending.length === 0);
    await kernel.run(kernel.now + simLimits.lookMs);
    kernel.guarded(() => {
      const { locks, channels } = this.#browser;
      const isOfPage = ({ realm }: { readonly realm: Realm }) => realm.name.startsWith('page');
      const kept = [...locks.held, ...channels.open].filter(isOfPage);
      must(kept.length === 0, 'a tab that has closed keeps nothing', () => {
        return kept.map(({ realm, name }) => `${realm.name} ${name}`).join(', ');
      });
    });
  }

  get #victims() {
    const { kernel } = this;
    return {
      kernel,
      browser: this.#browser,
      network: this.#network,
      server: this.#server,
      losingPower: () => {
        this.#ledger.powerLost();
        this.#cursors.forget();
      },
      hubName,
      open: () => this.#open(),
    };
  }

  /** Scripts whose pages run. */
  get #live(): readonly TabScript[] {
    return (this.#scripts = this.#scripts.filter((script) => !script.page.realm.isDead));
  }

  #open(): void {
    const { plan } = this;
    if (this.#live.length >= plan.pages) return;
    const number = (this.#opened += 1);
    const page = this.#browser.open(buildOf(plan, this.#random.fork(`build${number}`)));
    const checks = {
      ledger: this.#ledger,
      topics: this.#topics,
      progress: this.#progress,
      cursors: this.#cursors,
      file: () => this.#browser.disk.files.get(hubName),
    };
    const random = this.#random.fork(`page${number}`);
    page.realm.enter(() => this.#scripts.push(new TabScript(page, plan, random, checks)));
  }

  /** Tabs of another version than the hub's wait until it has ended, and take over what it leaves. */
  async #closeServed(): Promise<void> {
    const { kernel } = this;
    await kernel.run(kernel.now + simLimits.waitingMs);
    // Who dies late of what was planned for it, be it now, leaves pages that need time to find the next hub.
    const findMs = simLimits.attachMsMax + simLimits.silentMsMax;
    await this.#settle(
      'every page has had time to find a hub',
      () => kernel.now >= kernel.changedAt + findMs,
    );
    const isServed = (script: TabScript) => this.#attachment.hubOf(script) !== undefined;
    const served = this.#live.filter(isServed);
    const waiting = this.#live.filter((script) => !isServed(script));
    kernel.guarded(() => this.#attachment.versions(served, waiting));
    if (waiting.length > 0) for (const { page } of served) page.close();
    await kernel.run(kernel.now + simLimits.lookMs);
  }

  /** A hub that could not open its store may have left entries there: the next one sends them. */
  async #beginAnew(): Promise<void> {
    for (const script of this.#live) script.page.close();
    await this.kernel.run(this.kernel.now + simLimits.lookMs);
    this.#open();
    for (const script of this.#live) script.rest();
  }

  /** Something has ended that still has its locks, and that pages may not have missed yet: nothing of it is at rest. */
  get #isMourning(): boolean {
    return this.kernel.now < this.kernel.diedAt + simLimits.mourningMs;
  }

  /** What must not be there where nothing is pending: contents on the disk and at the server, and damaged records. */
  get #leftovers(): readonly string[] {
    if (this.#live.some(({ socket }) => socket.status.durability === 'memory')) return [];
    const file = this.#browser.disk.files.get(hubName);
    const keys = (['held', 'damaged'] as const).flatMap((store) =>
      Array.from(file?.records(store).keys() ?? [], (key) => `${store} ${String(key)}`),
    );
    const { connections, transfers } = this.#server;
    const others = connections === 1 ? [] : [`${connections} connections`];
    return [...keys, ...others, ...transfers.filter((id) => this.#wire.wasOffered(id))];
  }

  /** Lets time pass until all pages are as they must be, which has a bound: it begins anew while an outbox gets shorter. */
  async #settle(what: string, isDone: (script: TabScript) => boolean): Promise<void> {
    const { kernel } = this;
    const isOver = () => this.#live.every(isDone);
    let [endMs, wokenAt, shortest] = [0, kernel.now, Infinity];
    while (!isOver() && kernel.failure === null) {
      const waiting = Math.max(0, ...this.#live.map(({ socket }) => socket.status.queue.entries));
      if (waiting < shortest) [shortest, endMs] = [waiting, kernel.now + simLimits.restMs];
      if (kernel.now >= endMs) break;
      if (kernel.now - wokenAt >= simLimits.wakeMs) {
        wokenAt = kernel.now;
        this.#wake();
      }
      await kernel.run(Math.min(endMs, kernel.now + simLimits.lookMs));
    }
    kernel.guarded(() =>
      must(isOver(), what, () => {
        return this.#live
          .filter((script) => !isDone(script))
          .map((script) => {
            const { state, queue, hubId, lastError } = script.socket.status;
            const behind = [...script.followers].map((follower) => this.#topics.behind(follower) ?? '');
            return `${script.page.realm.name}: ${hubId} ${state} ${queue.entries} entries ${lastError?.message ?? ''}, pending: ${[...script.pending, ...behind, ...this.#leftovers].filter(Boolean).slice(0, 5).join(', ')}`;
          })
          .join('\n');
      }),
    );
  }
}

const hubName = 'onesocket:wss://sim.test/realtime';
