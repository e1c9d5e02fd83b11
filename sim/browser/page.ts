import type { Remote } from 'comlink';
import type { PageEvents } from '../../src/page-signals.ts';
import type { HubPort, TabWorld } from '../../src/tab-world.ts';
import type { OpenChannel } from '../../worker/channel.ts';
import type {
  AttachRequest,
  HubApi,
  PageSignal,
  PushReply,
  TabApi,
  TabOp,
} from '../../worker/core/hub-api.ts';
import type { Locks } from '../../worker/locks.ts';
import type { Random } from '../kernel/random.ts';
import type { Realm } from '../kernel/realm.ts';
import * as simLimits from '../limits.ts';
import { callsOver, type Calls } from './calls.ts';
import { startEngine, unavailable, type EngineParts, type PageHosts } from './engines.ts';
import { SimPort } from './port.ts';
import type { Renderer } from './renderer.ts';
import type { SharedWorkers } from './shared-workers.ts';

/** The build of the app that a page loads. */
export interface PageBuild {
  readonly worker: string;
  /** Of the contract between tab and hub. */
  readonly version: number;
  readonly hosts: PageHosts;
}

/** What a page has of its browser. */
export interface PageParts {
  readonly realm: Realm;
  readonly renderer: Renderer;
  readonly random: Random;
  readonly workers: SharedWorkers;
  readonly locks: Locks;
  readonly openChannel: OpenChannel;
  readonly build: PageBuild;
  /** Milliseconds since the Unix epoch. */
  readonly wallClock: () => number;
  /** Runs the script of the worker in a realm. */
  readonly startHub: EngineParts['start'];
  /** A batch goes to the hub, as one of so many that have no answer. */
  pushing(count: number, ops: readonly TabOp[]): void;
}

/** One page of the app, from its load to its end, and the world in which its client runs. */
export class Page {
  readonly realm: Realm;
  readonly renderer: Renderer;
  readonly build: PageBuild;
  readonly world: TabWorld;
  #events: PageEvents | null = null;
  #visibility: DocumentVisibilityState = 'visible';

  constructor({ realm, renderer, workers, locks, build, openChannel, wallClock, ...parts }: PageParts) {
    this.realm = realm;
    this.renderer = renderer;
    this.build = build;
    renderer.add(realm);
    const { hosts, version } = build;
    const { random, pushing } = parts;
    const after = (delayMs: number, run: () => void) => realm.after(this.#throttled(delayMs), run);
    const hubOf = (calls: Pick<Calls<HubApi>, 'remote'>) =>
      remoteHub(calls.remote as never, version, pushing);
    const portTo = (port: SimPort<never>, api: TabApi): HubPort => {
      port.serve(api);
      return { hub: hubOf(port as never), close: () => port.close() };
    };
    const engine = { page: realm, version, random, after, start: parts.startHub, portTo };
    this.world = {
      locks,
      openChannel,
      lingers: workers.lingers,
      now: wallClock,
      randomId: realm.newId,
      visibility: () => this.#visibility,
      after,
      openSharedWorker(url, hubName, api, failed, life) {
        const fate = hosts['shared-worker'];
        if (fate === 'throws') throw unavailable('shared-worker');
        if (fate === 'fails') realm.after(simLimits.loadMsMin, () => failed(unavailable('shared-worker')));
        const name = `${hubName}@${version}${life > 0 ? `~${life}` : ''}`;
        const nobody = () => new SimPort<never>(realm, () => 0);
        return portTo(fate === 'works' ? workers.connect(realm, renderer, url, name) : nobody(), api);
      },
      startEngine: (host, _url, hubName, failed) => startEngine(engine, host, hubName, hosts[host], failed),
      linkHub(endpoint, api) {
        const calls = callsOver<HubApi>(endpoint);
        calls.serve(api);
        return hubOf(calls);
      },
      watchPage: (events, signal) => {
        this.#events = events;
        signal.addEventListener('abort', () => (this.#events = null));
      },
    };
  }

  /** Whether its code runs now. */
  get isActive(): boolean {
    return !this.realm.isDead && !this.realm.isFrozen;
  }

  get isCached(): boolean {
    return this.realm.isCached;
  }

  get isVisible(): boolean {
    return this.#visibility === 'visible';
  }

  /** Something happens to the page that its client hears of. */
  signal(signal: PageSignal): void {
    this.realm.enter(() => this.#events?.signal(signal));
  }

  setVisible(isVisible: boolean): void {
    this.#visibility = isVisible ? 'visible' : 'hidden';
    this.signal(this.#visibility);
  }

  /** The user closes the page, or reloads it. One that is frozen ends without a word. */
  close(): void {
    if (this.realm.isFrozen) return this.realm.die('discarded');
    this.realm.kernel.timeline.add(this.realm.name, 'closes');
    this.realm.enter(() => this.#events?.hidden());
    // Nothing of a page runs after `pagehide` but what it has begun.
    this.realm.die('closed');
  }

  /** The user goes elsewhere, and may come back: the page goes into the cache. */
  cache(): void {
    if (!this.isActive) return;
    this.realm.kernel.timeline.add(this.realm.name, 'is cached');
    this.realm.enter(() => this.#events?.hidden());
    this.realm.isCached = true;
    this.realm.freeze();
  }

  /** The user comes back. */
  restore(): void {
    if (!this.isCached) return;
    this.realm.isCached = false;
    this.realm.thaw();
    this.realm.after(0, () => this.#events?.restored());
  }

  /** A background page is stopped, and goes on with what has come meanwhile. Not every browser tells it before. */
  freeze(isTold: boolean): void {
    if (isTold) this.realm.enter(() => this.#events?.frozen());
    this.realm.freeze();
  }

  resume(): void {
    if (this.isCached || !this.realm.isFrozen) return;
    this.realm.thaw();
    this.realm.after(0, () => this.#events?.signal('resume'));
  }

  /** Hidden pages have one timer tick per second. */
  #throttled(delayMs: number): number {
    return this.isVisible ? delayMs : Math.ceil(delayMs / simLimits.hiddenTickMs) * simLimits.hiddenTickMs;
  }
}

/** The hub as a tab of this build calls it. */
function remoteHub(
  remote: Remote<HubApi>,
  version: number,
  pushing: (count: number, ops: readonly TabOp[]) => void,
): Remote<HubApi> {
  let batches = 0;
  const push = async (hubId: string, tabId: string, ops: readonly TabOp[]): Promise<PushReply> => {
    pushing((batches += 1), ops);
    try {
      return await remote.push(hubId, tabId, ops);
    } finally {
      batches -= 1;
    }
  };
  const attach = (request: AttachRequest) => remote.attach({ ...request, version });
  const detach = (hubId: string, tabId: string) => remote.detach(hubId, tabId);
  return { attach, push, detach } as unknown as Remote<HubApi>;
}
