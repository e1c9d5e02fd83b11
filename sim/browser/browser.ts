import { HubHost } from '../../worker/hub-host.ts';
import type { AttachRequest, HubApi, TabApi, TabOp } from '../../worker/core/hub-api.ts';
import { indexedDbOutbox } from '../../worker/store/indexed-db-outbox.ts';
import type { TabLink } from '../../worker/tab-link.ts';
import type { Kernel } from '../kernel/kernel.ts';
import type { Random } from '../kernel/random.ts';
import { Realm } from '../kernel/realm.ts';
import * as simLimits from '../limits.ts';
import type { Network } from '../network/network.ts';
import { Disk } from './disk.ts';
import { mountDisk } from './fake-idb.ts';
import { Page } from './page.ts';
import type { SimPort } from './port.ts';
import { Renderer } from './renderer.ts';
import { SharedWorkers } from './shared-workers.ts';
import { mountBlobs } from './sim-blob.ts';
import { SimLocks } from './sim-locks.ts';

/** Hears what pages and hubs tell each other. */
export interface PortObserver {
  /** A page tells its hub something. */
  told(hub: Realm, what: 'attach' | TabOp['kind']): void;
  /** A batch goes out, as one of so many that have no answer. */
  delivering(hub: Realm, count: number): void;
  pushing(page: Realm, count: number, ops: readonly TabOp[]): void;
}

/** One browser profile: its processes, pages, workers, locks and disk. */
export class Browser {
  readonly disk: Disk;
  readonly locks: SimLocks;
  readonly workers: SharedWorkers;
  readonly #kernel: Kernel;
  readonly #random: Random;
  readonly #network: Network;
  readonly #observer: PortObserver;
  readonly #renderers: Renderer[];
  #pages: Page[] = [];
  #count = 0;

  constructor(kernel: Kernel, random: Random, network: Network, renderers: number, observer: PortObserver) {
    this.#kernel = kernel;
    this.#random = random;
    this.#network = network;
    this.#observer = observer;
    this.disk = new Disk(kernel, random.fork('disk'));
    this.locks = new SimLocks(kernel, random.fork('locks'));
    this.workers = new SharedWorkers(kernel, random.fork('workers'), (...worker) =>
      this.#startHub(...worker),
    );
    this.#renderers = Array.from({ length: renderers }, (_, index) => new Renderer(`process${index}`));
  }

  /** Pages that have not ended, in the order in which they were opened. */
  get pages(): readonly Page[] {
    this.#pages = this.#pages.filter(({ realm }) => !realm.isDead);
    return this.#pages;
  }

  /** Milliseconds since the Unix epoch. */
  readonly wallClock = (): number => simLimits.epochMs + Math.floor(this.#kernel.now);

  /** Opens a page, in any process. */
  open(): Page {
    const realm = new Realm(this.#kernel, `page${(this.#count += 1)}`);
    const renderer = this.#random.pick(this.#renderers);
    this.#kernel.timeline.add(realm.name, 'opens', `in ${renderer.name}`);
    this.#mountBlobs(realm);
    const locks = this.locks.of(realm);
    const { workers, wallClock } = this;
    const pushing = (count: number, ops: readonly TabOp[]) => this.#observer.pushing(realm, count, ops);
    const page = new Page({ realm, renderer, workers, locks, wallClock, pushing });
    this.#pages.push(page);
    return page;
  }

  /** A page goes into the back/forward cache, or comes back; with all of them goes the worker. */
  setCached(page: Page, isCached: boolean): void {
    if (isCached) page.cache();
    else page.restore();
    const cached = new Set(this.pages.filter((each) => each.isCached).map(({ realm }) => realm));
    this.workers.suspendIf((realm) => cached.has(realm));
  }

  /** Everything stops at once, and what the disk has not flushed is gone. */
  losePower(): void {
    this.#kernel.timeline.add('browser', 'loses power');
    for (const realm of [...this.pages.map((page) => page.realm), ...this.workers.realms]) realm.die('power');
    this.disk.lose();
  }

  #startHub(realm: Realm, hubName: string, end: () => void): (port: SimPort<never>) => void {
    mountDisk(realm, this.disk);
    this.#mountBlobs(realm);
    const random = this.#random.fork(realm.name);
    const clock = {
      context: () => ({ now: this.wallClock(), ticks: this.#kernel.now, random: random.next() }),
      after: (delayMs: number, run: () => void) => realm.after(delayMs, run),
    };
    const hub = new HubHost({
      host: 'shared-worker',
      hubName,
      clock,
      randomId: realm.newId,
      store: indexedDbOutbox(hubName, clock),
      dial: this.#network.dialOf(realm),
      locks: this.locks.of(realm),
      ended: end,
    });
    return (port) => hub.accept(this.#linkOf(realm, port as unknown as SimPort<TabApi>));
  }

  #mountBlobs(realm: Realm): void {
    const random = this.#random.fork(`${realm.name} blobs`);
    mountBlobs(realm, () => random.next() * simLimits.blobMsMax);
  }

  #linkOf(realm: Realm, port: SimPort<TabApi>): TabLink {
    const { told, delivering } = this.#observer;
    let batches = 0;
    const deliver: typeof port.remote.deliver = async (...batch) => {
      delivering(realm, (batches += 1));
      try {
        return await port.remote.deliver(...batch);
      } finally {
        batches -= 1;
      }
    };
    return {
      tab: { token: () => port.remote.token(), deliver },
      serve: (api: HubApi) =>
        port.serve({
          ...api,
          attach: (request: AttachRequest) => {
            told(realm, 'attach');
            return api.attach(request);
          },
          push: (hubId: string, tabId: string, ops: readonly TabOp[]) => {
            for (const { kind } of ops) told(realm, kind);
            return api.push(hubId, tabId, ops);
          },
        } satisfies HubApi),
      close: () => port.close(),
    };
  }
}
