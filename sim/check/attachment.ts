import { hubLifeLock, hubLock } from '../../worker/names.ts';
import type { Browser } from '../browser/browser.ts';
import type { Kernel } from '../kernel/kernel.ts';
import type { Realm } from '../kernel/realm.ts';
import * as simLimits from '../limits.ts';
import type { TabScript } from '../workload/tab-script.ts';
import type { Election } from './election.ts';
import { must } from './violation.ts';

/** Whether pages find their hub, and hear of its death, in time; and whether it is one hub for all. */
export class Attachment {
  readonly #kernel: Kernel;
  readonly #browser: Browser;
  readonly #election: Election;
  readonly #hubName: string;
  readonly #lifeLocks: string;
  readonly #hubLock: string;
  readonly #scripts: () => readonly TabScript[];
  readonly #hubs = new Set<Realm>();
  /** Pages whose status was of a hub that they were not attached to when it was last looked. */
  #astray = new Set<TabScript>();
  /** When a page was last seen with a hub, dead or alive. */
  readonly #hadAt = new WeakMap<TabScript, number>();
  #isOver = false;

  constructor(
    kernel: Kernel,
    browser: Browser,
    election: Election,
    hubName: string,
    scripts: () => readonly TabScript[],
  ) {
    this.#kernel = kernel;
    this.#browser = browser;
    this.#election = election;
    this.#hubName = hubName;
    this.#lifeLocks = hubLifeLock(hubName, '');
    this.#hubLock = hubLock(hubName);
    this.#scripts = scripts;
  }

  /** The id of the hub that a page is attached to, which it shows by waiting for its end. */
  hubOf({ page }: TabScript): string | undefined {
    const awaited = this.#browser.locks.awaited(page.realm);
    return awaited.find((name) => name.startsWith(this.#lifeLocks))?.slice(this.#lifeLocks.length);
  }

  /** Looks from now on, until `end`, whether every page has found a hub, where all that takes is time. */
  watch(isWaitingAllowed: boolean): void {
    this.#kernel.schedule(simLimits.attachLookMs, () => {
      if (this.#isOver) return;
      this.#kernel.guarded(() => {
        this.#election.look(this.#browser.locks, this.#hubName);
        this.#lookAtStatus();
        if (!isWaitingAllowed) this.#look();
      });
      this.watch(isWaitingAllowed);
    });
  }

  end(): void {
    this.#isOver = true;
  }

  #look(): void {
    const { now, changedAt } = this.#kernel;
    for (const script of this.#scripts()) if (this.hubOf(script)) this.#hadAt.set(script, now);
    const forMs = now - changedAt;
    if (forMs < simLimits.answerMsMax) return;
    const held = this.#browser.locks.held.filter(({ name }) => name.startsWith(this.#lifeLocks));
    const alive = held.filter(({ realm }) => !realm.isFrozen);
    must(alive.length <= 1, 'one hub lives', () => alive.map(({ name }) => name).join(', '));
    if (forMs < simLimits.attachMsMax) return;
    const scripts = this.#scripts();
    const isSilent = scripts.some(({ page }) => Object.values(page.build.hosts).includes('silent'));
    const sinceStealMs = now - this.#election.lastStealAt;
    const leastMs =
      simLimits.attachMsMax +
      (isSilent ? simLimits.silentMsMax : 0) +
      (sinceStealMs < 2 * simLimits.stealPauseMs ? simLimits.stealPauseMs : 0);
    if (forMs < leastMs) return;
    for (const script of scripts) {
      const { page, socket } = script;
      const hubId = this.hubOf(script);
      // That a hub is frozen shows with the first batch that it does not take.
      if (hubId === undefined && now - (this.#hadAt.get(script) ?? 0) < leastMs) continue;
      const lifeLock = `${this.#lifeLocks}${hubId}`;
      const isAttached = !page.isActive || alive.some(({ name }) => name === lifeLock);
      must(isAttached || socket.status.state === 'closed', 'pages find a hub in time', () => {
        return `${page.realm.name} has ${hubId ?? 'none'} ${forMs.toFixed(0)} ms after the last change`;
      });
    }
  }

  /** What a page tells of a hub it has from the one that it is attached to; to be told of an end takes a moment. */
  #lookAtStatus(): void {
    const astray = this.#scripts().filter((script) => {
      const { hubId, state } = script.socket.status;
      const isOfNobody = state === 'connecting' || state === 'closed';
      return script.page.isActive && !isOfNobody && hubId !== this.hubOf(script);
    });
    for (const script of astray) {
      const { page, socket } = script;
      const { thawedAt } = page.realm;
      const isNew = !this.#astray.has(script) || this.#kernel.now - thawedAt < simLimits.attachLookMs;
      must(isNew, 'a status is of the own hub', () => {
        return `${page.realm.name} tells of ${socket.status.hubId}, and has ${this.hubOf(script)}`;
      });
    }
    this.#astray = new Set(astray);
  }

  /** What a page lets go of before it is stopped: nobody shall wait for it. */
  stopped(page: Realm, how: 'cached' | 'frozen'): void {
    if (page.isDead) return;
    const { locks, channels } = this.#browser;
    const toldMs = this.#kernel.now - simLimits.lockMsMax;
    const held = locks.held.filter(({ realm, heldSince }) => realm === page && heldSince <= toldMs);
    const open = how === 'cached' ? channels.open.filter(({ realm }) => realm === page) : [];
    const kept = [...(how === 'cached' ? held : held.filter(({ name }) => name === this.#hubLock)), ...open];
    const names = [...kept, ...page.children].map(({ name }) => name);
    this.#kernel.guarded(() =>
      must(names.length === 0, `a ${how} page keeps nothing`, () => `${page.name} keeps ${names.join(', ')}`),
    );
  }

  /** Tabs wait only where those that are served are of another version, and both hear of it. */
  versions(served: readonly TabScript[], waiting: readonly TabScript[]): void {
    for (const { page, socket } of waiting) {
      const older = served.filter((other) => other.page.build.version < page.build.version);
      const isSame = served.some((other) => other.page.build.version === page.build.version);
      const { lastError } = socket.status;
      const isTold = !isSame && lastError?.code === 'unsupported-version';
      must(isTold, 'tabs wait for other versions alone', () => {
        return `${page.realm.name} waits with ${lastError?.code}`;
      });
      const isHeard = older.every((other) => other.socket.status.isOutdated);
      must(isHeard, 'older tabs hear of newer ones', () => {
        return older.map((other) => other.page.realm.name).join(', ');
      });
    }
  }

  /** All pages share one hub. */
  one(): void {
    const hubs = this.#scripts().map((script) => `${script.page.realm.name} ${this.hubOf(script)}`);
    must(new Set(hubs.map((text) => text.split(' ')[1])).size === 1, 'all pages share one hub', () => {
      return hubs.join(', ');
    });
  }

  /** A hub that pages attach to for the first time: they hear of its death before long, whatever they do. */
  met(hub: Realm): void {
    if (this.#hubs.has(hub)) return;
    this.#hubs.add(hub);
    hub.onDeath(() => {
      const pages = this.#scripts().filter(({ page }) => page.isActive);
      const kernel = this.#kernel;
      const diedAt = kernel.now;
      kernel.schedule(simLimits.mourningMs, () => {
        for (const { page, socket } of pages) {
          const { hubId, state } = socket.status;
          const hasSlept = !page.isActive || page.realm.thawedAt >= diedAt;
          const believes = hubId?.startsWith(`${hub.name}.`) && state !== 'connecting' && state !== 'closed';
          kernel.guarded(() =>
            must(
              hasSlept || !believes,
              'pages hear of a death',
              () => `${page.realm.name} still has ${hubId}`,
            ),
          );
        }
      });
    });
  }
}
