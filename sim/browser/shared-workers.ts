import type { Random } from '../kernel/random.ts';
import { Realm } from '../kernel/realm.ts';
import type { Kernel } from '../kernel/kernel.ts';
import * as simLimits from '../limits.ts';
import type { Renderer } from './renderer.ts';
import { SimPort } from './port.ts';

/** Starts the script of a worker. Returns what takes the ports of its pages. */
export type WorkerScript = (realm: Realm, name: string, end: () => void) => (port: SimPort<never>) => void;

interface Worker {
  readonly realm: Realm;
  readonly pages: Set<Realm>;
  /** All its pages are in the back/forward cache. */
  isSuspended: boolean;
  /** Ports of pages that connected while the script was loading; null once it runs. */
  waiting: SimPort<never>[] | null;
  accept: (port: SimPort<never>) => void;
  /** Until then, whoever connects gets a port to nobody. */
  corpseUntilMs: number;
}

/** The SharedWorkers of one origin: one per URL and name, in the renderer of the page that came first. */
export class SharedWorkers {
  readonly #kernel: Kernel;
  readonly #random: Random;
  readonly #script: WorkerScript;
  readonly #workers = new Map<string, Worker>();
  #count = 0;

  constructor(kernel: Kernel, random: Random, script: WorkerScript) {
    this.#kernel = kernel;
    this.#random = random;
    this.#script = script;
  }

  /** Workers that live. */
  get realms(): readonly Realm[] {
    return [...this.#workers.values()].map(({ realm }) => realm).filter((realm) => !realm.isDead);
  }

  /** Constructs the SharedWorker, or joins it where it runs: a page's end of the port. */
  connect(page: Realm, renderer: Renderer, url: string, name: string): SimPort<never> {
    const worker = this.#worker(renderer, url, name);
    const latency = () => this.#random.between(simLimits.portMsMin, simLimits.portMsMax);
    const [pageEnd, workerEnd] = [
      new SimPort<never>(page, latency),
      new SimPort<never>(worker.realm, latency),
    ];
    SimPort.join(pageEnd, workerEnd);
    if (worker.realm.isDead) return pageEnd;
    this.#join(worker, page);
    if (worker.waiting) worker.waiting.push(workerEnd);
    else worker.realm.after(latency(), () => worker.accept(workerEnd));
    return pageEnd;
  }

  /** A worker is suspended while all its pages are in the back/forward cache. */
  suspendIf(isCached: (page: Realm) => boolean): void {
    for (const worker of this.#workers.values()) {
      const { pages } = worker;
      setSuspended(worker, pages.size > 0 && [...pages].every(isCached));
    }
  }

  #worker(renderer: Renderer, url: string, name: string): Worker {
    const key = `${url} ${name}`;
    const known = this.#workers.get(key);
    if (known && (!known.realm.isDead || this.#kernel.now < known.corpseUntilMs)) return known;
    const realm = new Realm(this.#kernel, `worker${(this.#count += 1)}`);
    const worker: Worker = {
      realm,
      pages: new Set(),
      isSuspended: false,
      waiting: [],
      accept: () => {},
      corpseUntilMs: 0,
    };
    this.#workers.set(key, worker);
    this.#kernel.timeline.add(realm.name, 'starts', `${url} in ${renderer.name}`);
    renderer.add(realm);
    realm.onDeath(() => {
      worker.corpseUntilMs = this.#kernel.now + this.#random.next() * simLimits.corpseMsMax;
    });
    realm.after(this.#random.between(simLimits.loadMsMin, simLimits.loadMsMax), () => {
      worker.accept = this.#script(realm, name, () => realm.die('ends itself'));
      for (const port of worker.waiting!) worker.accept(port);
      worker.waiting = null;
    });
    return worker;
  }

  #join(worker: Worker, page: Realm): void {
    if (worker.pages.has(page)) return;
    worker.pages.add(page);
    setSuspended(worker, false);
    page.onDeath(() => {
      worker.pages.delete(page);
      if (worker.pages.size > 0) return;
      this.#kernel.schedule(this.#random.next() * simLimits.lastPageMsMax, () => {
        if (worker.pages.size === 0) worker.realm.die('without pages');
      });
    });
  }
}

function setSuspended(worker: Worker, isSuspended: boolean): void {
  if (worker.isSuspended === isSuspended) return;
  worker.isSuspended = isSuspended;
  if (isSuspended) worker.realm.freeze();
  else worker.realm.thaw();
}
