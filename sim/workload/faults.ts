import { hubLock } from '../../worker/names.ts';
import type { Browser } from '../browser/browser.ts';
import type { SimDatabase } from '../browser/fake-idb.ts';
import type { Page } from '../browser/page.ts';
import type { Kernel } from '../kernel/kernel.ts';
import type { Random } from '../kernel/random.ts';
import type { Realm } from '../kernel/realm.ts';
import type { Connection } from '../network/connection.ts';
import type { Network } from '../network/network.ts';
import type { SimServer } from '../server/sim-server.ts';
import * as simLimits from '../limits.ts';
import { faultKinds, type FaultKind, type Plan } from './plan.ts';

/** What faults happen to. */
export interface Victims {
  readonly kernel: Kernel;
  readonly browser: Browser;
  readonly network: Network;
  readonly server: SimServer;
  /** What was written and not flushed is about to be lost. */
  losingPower(): void;
  readonly hubName: string;
  /** Opens a page with its script. */
  open(): void;
}

/** Lets things go wrong, each kind at its own times, until told to stop. */
export class Faults {
  readonly #victims: Victims;
  readonly #plan: Plan;
  readonly #random: Random;
  #isOver = false;
  #isAsleep = false;

  constructor(victims: Victims, plan: Plan, random: Random) {
    this.#victims = victims;
    this.#plan = plan;
    this.#random = random;
    for (const kind of faultKinds) this.#repeat(kind, random.fork(kind));
    if (plan.faults['disk-errors']) victims.browser.disk.fault = (what) => this.#diskFault(what);
    if (plan.faults['network-lost']) {
      victims.network.fate = () => (random.chance(0.15) ? random.pick(['refused', 'lost']) : 'accepted');
    }
    // At its own times a fault would hardly ever hit a transfer between two of its chunks.
    const chunkRandom = random.fork('chunks');
    victims.network.passed = (connection, frame) => {
      if (typeof frame !== 'string' && chunkRandom.chance(plan.chunkCutChance))
        this.#cut(connection, chunkRandom);
    };
  }

  /** Nothing goes wrong any more, and what was stopped goes on. */
  end(): void {
    this.#isOver = true;
    const { browser, network, server } = this.#victims;
    browser.disk.fault = () => null;
    network.fate = () => 'accepted';
    network.passed = () => {};
    server.realm?.thaw();
    if (!network.listener) {
      server.crash();
      server.start();
    }
    for (const realm of browser.workers.realms) realm.thaw();
    for (const page of browser.pages) {
      if (page.isCached) browser.setCached(page, false);
      page.resume();
      page.setVisible(true);
    }
    if (browser.pages.length === 0) this.#victims.open();
    this.wake();
  }

  /** Whoever has given up for the time being is told that there is a network again. */
  wake(): void {
    for (const page of this.#victims.browser.pages) page.signal('online');
  }

  #repeat(kind: FaultKind, random: Random): void {
    const meanMs = this.#plan.faults[kind];
    if (meanMs === undefined) return;
    const again = () => {
      this.#victims.kernel.schedule(random.wait(meanMs), () => {
        if (this.#isOver) return;
        this.#strike(kind, random);
        again();
      });
    };
    again();
  }

  /** Does `run` later, unless all is over by then. */
  #later(delayMs: number, run: () => void): void {
    this.#victims.kernel.schedule(delayMs, () => {
      if (!this.#isOver) run();
    });
  }

  /** Nobody opens a page while the computer sleeps. */
  #open(): void {
    if (this.#isAsleep) this.#later(simLimits.asleepMs, () => this.#open());
    else this.#victims.open();
  }

  #strike(kind: FaultKind, random: Random): void {
    const { browser, kernel } = this.#victims;
    if (kind.startsWith('page-')) {
      const pages = browser.pages.filter((page) => page.isActive);
      if (pages.length > 0) this.#strikePage(kind, random.pick(pages), random);
    } else if (kind.startsWith('server-')) this.#strikeServer(kind, random);
    else if (kind.startsWith('connection-') || kind.startsWith('network-')) this.#strikeNetwork(kind, random);
    else if (kind.startsWith('disk-')) this.#strikeDisk(kind, random);
    else {
      kernel.timeline.add('fault', kind);
      this.#strikeBrowser(kind, random);
    }
  }

  #strikePage(kind: FaultKind, page: Page, random: Random): void {
    const { browser } = this.#victims;
    const open = () => this.#open();
    const backMs = random.pick([10, 300, 3_000, 20_000]) * random.next();
    const reopen = () => this.#later(backMs, open);
    switch (kind) {
      case 'page-closes':
        page.close();
        return reopen();
      case 'page-crashes':
        if (random.chance(0.5)) page.realm.die('crashed');
        else page.realm.dieAfter(random.int(0, 8));
        return reopen();
      case 'page-reloads':
        page.close();
        return this.#later(random.between(1, 50), open);
      case 'page-freezes':
        return this.#freeze(page, backMs, random);
      case 'page-cached':
        browser.setCached(page, true);
        return this.#later(backMs, () => {
          if (random.chance(0.8)) return browser.setCached(page, false);
          page.realm.die('evicted');
          browser.setCached(page, false);
          open();
        });
      default:
        page.setVisible(false);
        return this.#later(backMs, () => page.setVisible(true));
    }
  }

  #freeze(page: Page, forMs: number, random: Random): void {
    page.setVisible(false);
    this.#victims.browser.freeze(page, this.#plan.tellsFreeze && random.chance(0.8));
    this.#hangUp(page, random);
    this.#later(forMs, () => {
      page.resume();
      page.setVisible(true);
    });
  }

  /** Something happens to the page that holds the hub's lock, if it is a page. */
  #strikeLeader(kind: FaultKind, random: Random): void {
    const { browser, hubName } = this.#victims;
    const holder = browser.locks.held.find(({ name }) => name === hubLock(hubName));
    const leader = browser.pages.find((page) => page.realm === holder?.realm && page.isActive);
    if (!leader) return;
    if (kind === 'leader-freezes') return this.#freeze(leader, random.between(4_000, 40_000), random);
    this.#strikePage(random.pick(['page-closes', 'page-crashes', 'page-cached']), leader, random);
  }

  /** A browser may close the sockets of a page that it has frozen. */
  #hangUp({ realm }: Page, random: Random): void {
    const realms = new Set([realm, ...realm.children]);
    for (const connection of this.#victims.network.connections) {
      if (realms.has(connection.client) && random.chance(0.5)) connection.sever(0, random.next() * 500);
    }
  }

  #strikeBrowser(kind: FaultKind, random: Random): void {
    const { browser, losingPower, hubName } = this.#victims;
    const before = browser.pages.length;
    const reopen = () => {
      for (let count = browser.pages.length; count < before; count += 1) {
        this.#later(random.between(5, 2_000), () => this.#open());
      }
    };
    const worker = (): Realm | undefined => {
      const all = browser.workerRealms;
      return all.length > 0 ? random.pick(all) : undefined;
    };
    switch (kind) {
      case 'renderer-killed':
        if (before > 0) random.pick(browser.pages).renderer.kill();
        return reopen();
      case 'worker-killed':
        return worker()?.die('killed');
      case 'worker-dies-midway':
        return worker()?.dieAfter(random.int(0, 12));
      case 'power-loss':
        losingPower();
        browser.losePower();
        return reopen();
      case 'lock-stolen':
        return browser.locks.steal(hubLock(hubName));
      case 'leader-freezes':
      case 'leader-closes':
        return this.#strikeLeader(kind, random);
      default: {
        if (this.#isAsleep) return;
        // The computer sleeps: everything of the browser stops, and its connections with it.
        const realms = [...browser.workers.realms, ...browser.pages.map((page) => page.realm)];
        const awake = realms.filter((realm) => !realm.isFrozen);
        for (const realm of awake) realm.freeze();
        this.#isAsleep = true;
        for (const connection of this.#victims.network.connections) connection.sever(null, null);
        return this.#later(random.between(500, 40_000), () => {
          this.#isAsleep = false;
          for (const realm of awake) realm.thaw();
          for (const page of browser.pages) if (page.isActive) page.signal('visible');
        });
      }
    }
  }

  #strikeNetwork(kind: FaultKind, random: Random): void {
    const { network, kernel, browser } = this.#victims;
    const noticed = () => (random.chance(0.8) ? random.next() * 500 : null);
    if (kind === 'network-lost') {
      kernel.timeline.add('fault', kind);
      for (const connection of network.connections) connection.sever(noticed(), noticed());
      const { fate } = network;
      network.fate = () => (random.chance(0.5) ? 'refused' : 'lost');
      return this.#later(random.between(100, 15_000), () => {
        network.fate = fate;
        for (const page of browser.pages) page.signal('online');
      });
    }
    if (network.connections.length === 0) return;
    const connection = random.pick(network.connections);
    if (kind === 'connection-cut') return this.#cut(connection, random);
    if (kind === 'connection-half-open') {
      return connection.sever(random.chance(0.5) ? null : 100, random.chance(0.5) ? null : 100);
    }
    connection.stall();
    return this.#later(random.between(50, 12_000), () => connection.goOn());
  }

  #cut(connection: Connection, random: Random): void {
    connection.sever(random.next() * 200, random.next() * 200);
  }

  #strikeServer(kind: FaultKind, random: Random): void {
    const { server, network } = this.#victims;
    if (!server.realm) return;
    if (kind === 'server-restarts') return server.restart();
    if (kind === 'server-frozen') {
      const { realm } = server;
      realm.freeze();
      return this.#later(random.between(50, 20_000), () => realm.thaw());
    }
    const isSilent = random.chance(0.2);
    if (isSilent) for (const connection of network.connections) connection.sever(null, null);
    server.crash();
    return this.#later(random.pick([50, 500, 6_000]) * random.next(), () => {
      if (!server.realm) server.start();
    });
  }

  #strikeDisk(kind: FaultKind, random: Random): void {
    const { disk } = this.#victims.browser;
    if (kind !== 'disk-lost' || disk.connections.size === 0) return;
    const connection = random.pick([...disk.connections.keys()]) as SimDatabase;
    connection.lose();
  }

  #diskFault(what: 'transaction' | 'opening') {
    const random = this.#random;
    if (!random.chance(what === 'opening' ? 0.1 : 0.02)) return null;
    return random.pick(['QuotaExceededError', 'UnknownError', 'AbortError', 'silence'] as const);
  }
}
