import { hubNameOf } from '../../worker/names.ts';
import type { TabOp } from '../../worker/core/hub-api.ts';
import type { Kernel } from '../kernel/kernel.ts';
import type { Random } from '../kernel/random.ts';
import { Realm } from '../kernel/realm.ts';
import * as simLimits from '../limits.ts';
import type { Network } from '../network/network.ts';
import { Disk } from './disk.ts';
import { startHub, type HubParts, type HubSetting, type PortObserver } from './hubs.ts';
import { Page, type PageBuild } from './page.ts';
import { Renderer } from './renderer.ts';
import { SharedWorkers, type WorkerHabits } from './shared-workers.ts';
import { mountBlobs } from './sim-blob.ts';
import { SimChannels } from './sim-channels.ts';
import { SimLocks } from './sim-locks.ts';

/** What kind of browser it is. */
export interface BrowserPlan extends WorkerHabits {
  readonly renderers: number;
}

/** Hears what happens in a browser. */
export interface BrowserObserver extends PortObserver {
  /** A message has reached a page in the back/forward cache, which ends it. */
  evicted(page: Realm): void;
  /** A page has been told that it goes into the cache, or is frozen. */
  stopped(page: Realm, how: 'cached' | 'frozen'): void;
}

/** One browser profile: its processes, pages, workers, locks, channels and disk. */
export class Browser {
  readonly disk: Disk;
  readonly locks: SimLocks;
  readonly channels: SimChannels;
  readonly workers: SharedWorkers;
  readonly #kernel: Kernel;
  readonly #random: Random;
  readonly #observer: BrowserObserver;
  readonly #renderers: Renderer[];
  readonly #hubs: HubParts;
  #pages: Page[] = [];
  #count = 0;

  constructor(
    kernel: Kernel,
    random: Random,
    network: Network,
    plan: BrowserPlan,
    observer: BrowserObserver,
  ) {
    this.#kernel = kernel;
    this.#random = random;
    this.#observer = observer;
    this.disk = new Disk(kernel, random.fork('disk'));
    this.locks = new SimLocks(kernel, random.fork('locks'));
    this.channels = new SimChannels(random.fork('channels'));
    const { disk, locks, channels, wallClock } = this;
    this.#hubs = { random: random.fork('hubs'), network, disk, locks, channels, observer, wallClock };
    this.workers = new SharedWorkers(kernel, random.fork('workers'), plan, (realm, name, ended) => {
      const version = Number.parseInt(name.slice(name.lastIndexOf('@') + 1), 10);
      const after = (delayMs: number, run: () => void) => realm.after(delayMs, run);
      const setting = { host: 'shared-worker', hubName: hubNameOf(name), version, after, ended } as const;
      return this.#startHub(realm, setting).accept;
    });
    this.#renderers = Array.from({ length: plan.renderers }, (_, index) => new Renderer(`process${index}`));
  }

  /** Pages that have not ended, in the order in which they were opened. */
  get pages(): readonly Page[] {
    this.#pages = this.#pages.filter(({ realm }) => !realm.isDead);
    return this.#pages;
  }

  /** Workers that live, of all kinds. */
  get workerRealms(): readonly Realm[] {
    return [...this.workers.realms, ...this.pages.flatMap(({ realm }) => [...realm.children])];
  }

  /** Milliseconds since the Unix epoch. */
  readonly wallClock = (): number => simLimits.epochMs + Math.floor(this.#kernel.now);

  /** Opens a page, in any process. */
  open(build: PageBuild): Page {
    const realm = new Realm(this.#kernel, `page${(this.#count += 1)}`);
    const renderer = this.#random.pick(this.#renderers);
    this.#kernel.timeline.add(realm.name, 'opens', () => `in ${renderer.name} ${JSON.stringify(build)}`);
    this.#mountBlobs(realm);
    realm.evicted = () => this.#observer.evicted(realm);
    const page = new Page({
      realm,
      renderer,
      build,
      random: this.#random.fork(realm.name),
      workers: this.workers,
      locks: this.locks.of(realm),
      openChannel: this.channels.of(realm),
      wallClock: this.wallClock,
      startHub: (where, setting) => this.#startHub(where, setting),
      pushing: (count: number, ops: readonly TabOp[]) => this.#observer.pushing(realm, count, ops),
    });
    this.#pages.push(page);
    return page;
  }

  /** A page goes into the back/forward cache, or comes back; with all of them goes the worker. */
  setCached(page: Page, isCached: boolean): void {
    if (!isCached) page.restore();
    else if (page.isActive) {
      page.cache();
      this.#observer.stopped(page.realm, 'cached');
    }
    const cached = new Set(this.pages.filter((each) => each.isCached).map(({ realm }) => realm));
    this.workers.suspendIf((realm) => cached.has(realm));
  }

  /** A page is frozen, and hears of it before if it `isTold`. */
  freeze(page: Page, isTold: boolean): void {
    page.freeze(isTold);
    if (isTold) this.#observer.stopped(page.realm, 'frozen');
  }

  /** Everything stops at once, and what the disk has not flushed is gone. */
  losePower(): void {
    this.#kernel.timeline.add('browser', 'loses power');
    for (const realm of [...this.pages.map((page) => page.realm), ...this.workers.realms]) realm.die('power');
    this.disk.lose();
  }

  #startHub(realm: Realm, setting: HubSetting) {
    this.#mountBlobs(realm);
    return startHub(this.#hubs, realm, setting);
  }

  #mountBlobs(realm: Realm): void {
    const random = this.#random.fork(`${realm.name} blobs`);
    mountBlobs(realm, () => random.next() * simLimits.blobMsMax);
  }
}
