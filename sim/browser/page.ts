import type { Remote } from 'comlink';
import type { PageEvents } from '../../src/page-signals.ts';
import type { TabWorld } from '../../src/tab-world.ts';
import type { HubApi, PageSignal, PushReply, TabOp } from '../../worker/core/hub-api.ts';
import type { Locks } from '../../worker/locks.ts';
import type { Realm } from '../kernel/realm.ts';
import * as simLimits from '../limits.ts';
import type { Renderer } from './renderer.ts';
import type { SharedWorkers } from './shared-workers.ts';

/** What a page has of its browser. */
export interface PageParts {
  readonly realm: Realm;
  readonly renderer: Renderer;
  readonly workers: SharedWorkers;
  readonly locks: Locks;
  /** Milliseconds since the Unix epoch. */
  readonly wallClock: () => number;
  /** A batch goes to the hub, as one of so many that have no answer. */
  pushing(count: number, ops: readonly TabOp[]): void;
}

/** One page of the app, from its load to its end, and the world in which its client runs. */
export class Page {
  readonly realm: Realm;
  readonly renderer: Renderer;
  readonly world: TabWorld;
  #events: PageEvents | null = null;
  #visibility: DocumentVisibilityState = 'visible';
  #isCached = false;

  constructor({ realm, renderer, workers, locks, wallClock, pushing }: PageParts) {
    this.realm = realm;
    this.renderer = renderer;
    renderer.add(realm);
    this.world = {
      locks,
      now: wallClock,
      randomId: realm.newId,
      visibility: () => this.#visibility,
      after: (delayMs, run) => realm.after(this.#throttled(delayMs), run),
      openHub(url, hubName, api) {
        const port = workers.connect(realm, renderer, url, hubName);
        port.serve(api);
        const remote = port.remote as unknown as Remote<HubApi>;
        let batches = 0;
        const push = async (hubId: string, tabId: string, ops: readonly TabOp[]): Promise<PushReply> => {
          pushing((batches += 1), ops);
          try {
            return await remote.push(hubId, tabId, ops);
          } finally {
            batches -= 1;
          }
        };
        const { attach, detach } = remote;
        return { hub: { attach, push, detach } as unknown as Remote<HubApi>, close: () => port.close() };
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
    return this.#isCached;
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
    this.#isCached = true;
    this.realm.freeze();
  }

  /** The user comes back. */
  restore(): void {
    if (!this.#isCached) return;
    this.#isCached = false;
    this.realm.thaw();
    this.realm.after(0, () => this.#events?.restored());
  }

  /** A background page is stopped, and goes on with what has come meanwhile. */
  freeze(): void {
    this.realm.freeze();
  }

  resume(): void {
    if (this.#isCached || !this.realm.isFrozen) return;
    this.realm.thaw();
    this.realm.after(0, () => this.#events?.signal('resume'));
  }

  /** Hidden pages have one timer tick per second. */
  #throttled(delayMs: number): number {
    return this.isVisible ? delayMs : Math.ceil(delayMs / simLimits.hiddenTickMs) * simLimits.hiddenTickMs;
  }
}
