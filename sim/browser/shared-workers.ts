import type { Random } from '../kernel/random.ts';
import { Realm } from '../kernel/realm.ts';
import type { Kernel } from '../kernel/kernel.ts';
import * as simLimits from '../limits.ts';
import type { Renderer } from './renderer.ts';
import { SimPort } from './port.ts';

/** Starts the script of a worker. Returns what takes the ports of its pages. */
export type WorkerScript = (realm: Realm, name: string, end: () => void) => (port: SimPort<never>) => void;

/** In what browsers differ. */
export interface WorkerHabits {
  /** A worker outlives its last page by up to minutes (`extendedLifetime`), and is never suspended. */
  readonly lingers: boolean;
  /** The script of a worker that was killed runs again, without its state and with the ports of the pages that live. */
  readonly runsAgain: boolean;
  /** No worker ever answers under the name of one that was killed. */
  readonly losesNames: boolean;
}

interface Worker {
  readonly key: string;
  readonly name: string;
  readonly realm: Realm;
  readonly pages: Map<Realm, Renderer>;
  /** The pages' ends of its ports. */
  readonly ports: { readonly page: Realm; readonly port: SimPort<never> }[];
  /** All its pages are in the back/forward cache. */
  isSuspended: boolean;
  hasEnded: boolean;
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
  readonly #habits: WorkerHabits;
  readonly #workers = new Map<string, Worker>();
  #count = 0;

  constructor(kernel: Kernel, random: Random, habits: WorkerHabits, script: WorkerScript) {
    this.#kernel = kernel;
    this.#random = random;
    this.#habits = habits;
    this.#script = script;
  }

  /** Workers that live. */
  get realms(): readonly Realm[] {
    return [...this.#workers.values()].map(({ realm }) => realm).filter((realm) => !realm.isDead);
  }

  /** Whether they live on after their last page. */
  get lingers(): boolean {
    return this.#habits.lingers;
  }

  /** Constructs the SharedWorker, or joins it where it runs: a page's end of the port. */
  connect(page: Realm, renderer: Renderer, url: string, name: string): SimPort<never> {
    const worker = this.#worker(renderer, url, name);
    const pageEnd = new SimPort<never>(page, this.#latency);
    if (worker.realm.isDead) return pageEnd;
    this.#join(worker, page, renderer);
    if (this.#habits.runsAgain) worker.ports.push({ page, port: pageEnd });
    this.#link(worker, pageEnd);
    return pageEnd;
  }

  /** A worker is suspended while all its pages are in the back/forward cache. */
  suspendIf(isCached: (page: Realm) => boolean): void {
    if (this.#habits.lingers) return;
    for (const worker of this.#workers.values()) {
      const { pages } = worker;
      setSuspended(worker, pages.size > 0 && [...pages.keys()].every(isCached));
    }
  }

  readonly #latency = () => this.#random.between(simLimits.portMsMin, simLimits.portMsMax);

  #link(worker: Worker, pageEnd: SimPort<never>): void {
    const workerEnd = new SimPort<never>(worker.realm, this.#latency);
    SimPort.join(pageEnd, workerEnd);
    if (worker.waiting) worker.waiting.push(workerEnd);
    else worker.realm.after(this.#latency(), () => worker.accept(workerEnd));
  }

  #worker(renderer: Renderer, url: string, name: string): Worker {
    const key = `${url} ${name}`;
    const known = this.#workers.get(key);
    if (known && (!known.realm.isDead || this.#kernel.now < known.corpseUntilMs)) return known;
    return this.#start(renderer, key, name);
  }

  #start(renderer: Renderer, key: string, name: string): Worker {
    const realm = new Realm(this.#kernel, `worker${(this.#count += 1)}`);
    const worker: Worker = {
      key,
      name,
      realm,
      pages: new Map(),
      ports: [],
      isSuspended: false,
      hasEnded: false,
      waiting: [],
      accept: () => {},
      corpseUntilMs: 0,
    };
    this.#workers.set(key, worker);
    this.#kernel.timeline.add(realm.name, 'starts', `${key} in ${renderer.name}`);
    renderer.add(realm);
    realm.onDeath(() => {
      const { losesNames, runsAgain } = this.#habits;
      const corpseMs = this.#random.next() * simLimits.corpseMsMax;
      worker.corpseUntilMs = losesNames && !worker.hasEnded ? Infinity : this.#kernel.now + corpseMs;
      if (!runsAgain || worker.hasEnded) return;
      this.#kernel.schedule(this.#random.next() * simLimits.deathMsMin, () => this.#runAgain(worker));
    });
    realm.after(this.#random.between(simLimits.loadMsMin, simLimits.loadMsMax), () => {
      worker.accept = this.#script(realm, name, () => this.#end(worker, 'ends itself'));
      for (const port of worker.waiting!) worker.accept(port);
      worker.waiting = null;
    });
    return worker;
  }

  #end(worker: Worker, why: string): void {
    worker.hasEnded = true;
    worker.realm.die(why);
  }

  /** The pages hear nothing of it: what they have called never answers, and what they call from now on does. */
  #runAgain(dead: Worker): void {
    const pages = [...dead.pages].filter(([page]) => !page.isDead);
    if (pages.length === 0 || this.#workers.get(dead.key) !== dead) return;
    const worker = this.#start(pages[0]![1], dead.key, dead.name);
    for (const [page, renderer] of pages) this.#join(worker, page, renderer);
    for (const { page, port } of dead.ports) {
      if (page.isDead || port.isClosed) continue;
      worker.ports.push({ page, port });
      this.#link(worker, port);
    }
  }

  #join(worker: Worker, page: Realm, renderer: Renderer): void {
    if (worker.pages.has(page)) return;
    worker.pages.set(page, renderer);
    setSuspended(worker, false);
    page.onDeath(() => {
      worker.pages.delete(page);
      if (worker.pages.size > 0) return;
      const mostMs = this.#habits.lingers ? simLimits.lingerMsMax : simLimits.lastPageMsMax;
      this.#kernel.schedule(this.#random.next() * mostMs, () => {
        if (worker.pages.size === 0) this.#end(worker, 'without pages');
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
