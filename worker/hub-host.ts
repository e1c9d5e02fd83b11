import { attachedLink, type AttachedLink } from './attached-link.ts';
import { queueFull } from '../src/protocol/errors.ts';
import * as closeCodes from '../src/protocol/close-codes.ts';
import { askForToken } from './ask-for-token.ts';
import { serveChannel, type ChannelClients, type ChannelServer } from './channel-server.ts';
import { completeConfig } from './core/config.ts';
import * as coreLimits from './core/limits.ts';
import { hubTransition } from './core/hub.ts';
import { createHubState, hubStatus, type HubState } from './core/hub-state.ts';
import type { HubEffect, HubInput, TimerName } from './core/hub-types.ts';
import {
  hubApiVersion,
  type AttachReply,
  type AttachRequest,
  type HostKind,
  type HubOptions,
  type PushReply,
  type TabOp,
} from './core/hub-api.ts';
import * as workerLimits from './limits.ts';
import { join, refused } from './hub-answers.ts';
import { HubSocket } from './hub-socket.ts';
import type { OutboxStore } from './outbox-store.ts';
import { claimOwnership, type Ownership, type OwnershipWorld } from './ownership.ts';
import type { TabLink } from './tab-link.ts';
import { addressWith } from './token-carrier.ts';
import { TransferMeter } from './transfer-meter.ts';
import { timerGroup, type TimerGroup } from './timer-group.ts';
import type { Dial } from './transport.ts';
import { withDeadline } from './deadline.ts';

/** The world as a hub sees it; the simulation puts another one in its place. */
export interface HubWorld extends OwnershipWorld, Pick<ChannelClients, 'linkOver'> {
  readonly host: HostKind;
  randomId(): string;
  readonly store: OutboxStore;
  readonly dial: Dial;
  /** The hub has ended, and will answer nobody any more. */
  readonly ended?: () => void;
  /** Sees the state after each input, and must not change it: for tests. */
  readonly watch?: (hub: HubState) => void;
}

/** The one interpreter of the hub machine: inputs of the world go in, its effects are carried out. */
export class HubHost {
  readonly hubId: string;
  readonly #world: HubWorld;
  readonly #links = new Map<string, AttachedLink>();
  readonly #clock: TimerGroup;
  readonly #timers = new Map<TimerName, () => void>();
  readonly #inputs: HubInput[] = [];
  #isRunning = false;
  #isEnded = false;
  #starting: Promise<HubState | null> | null = null;
  #ownership: Ownership | null = null;
  #lifeLock: string | null = null;
  #channel: ChannelServer | null = null;
  /** Set once nobody else is the hub. */
  #isElected = false;
  #hub: HubState | null = null;
  readonly #socket: HubSocket;
  readonly #transfers = new TransferMeter();
  #troubles = 0;
  #lastTrouble: unknown;

  constructor(world: HubWorld) {
    this.#world = world;
    this.hubId = world.randomId();
    this.#clock = timerGroup(world.clock);
    this.#socket = new HubSocket(world.dial, (input) => this.#run(input), this.#transfers);
  }

  /** Serves one tab over its link. */
  accept(link: TabLink): void {
    link.serve({
      attach: (request) => this.#attach(link, request),
      push: (hubId, tabId, ops) => this.#push(link, hubId, tabId, ops),
      detach: (hubId, tabId) => {
        if (this.#isAttached(link, hubId, tabId)) this.#drop(tabId);
      },
    });
  }

  async #attach(link: TabLink, request: AttachRequest): Promise<AttachReply> {
    if (request.version !== hubApiVersion) {
      if (request.version > hubApiVersion && this.#hub) this.#run({ kind: 'outdated' });
      this.#makeWay();
      return { kind: 'other-version', version: hubApiVersion };
    }
    if (this.#isEnded) return new Promise(() => {});
    // The options of the first tab decide.
    this.#starting ??= this.#start(request.options);
    const hub = this.#hub ?? (await withDeadline(this.#starting, workerLimits.attachAnswerMs, this.#clock));
    if (hub === null || this.#isEnded) return new Promise(() => {});
    if (!hub) return this.#isElected ? { kind: 'waiting' } : { kind: 'standby', hubId: this.hubId };
    if (request.options.url !== hub.config.url) {
      return refused('invalid-option', `the hub of this name serves ${hub.config.url}`);
    }
    const { tabId, lockName } = request;
    const before = this.#links.get(tabId);
    const isFull = !before && this.#links.size >= coreLimits.tabs;
    if (isFull) return { kind: 'refused', error: queueFull('tabs') };
    before?.leave();
    if (before && before.link !== link) before.link.close();
    const unwatch =
      lockName === null ? undefined : this.#world.locks?.whenFree(lockName, () => this.#drop(tabId));
    this.#links.set(tabId, attachedLink(link, unwatch ?? (() => {})));
    const seqs = hub.outbox.tabSeqs(tabId);
    const failed = hub.tabs.failuresOf(tabId);
    this.#run({ kind: 'tab-attached', request });
    return { kind: 'attached', ...seqs, failed, status: hubStatus(hub), lifeLock: this.#lifeLock };
  }

  /** Becomes the hub. Null if another one has taken over meanwhile. */
  async #start(options: HubOptions): Promise<HubState | null> {
    const { store, host } = this.#world;
    this.#ownership = claimOwnership(this.#world, this.hubId, () => this.end());
    await this.#ownership.elected;
    if (this.#isEnded) return null;
    this.#isElected = true;
    this.#serveChannel();
    this.#lifeLock = await this.#ownership.live();
    if (this.#isEnded) return null;
    const config = completeConfig(options);
    const stored = await store.open({
      durability: config.durability,
      onHealth: (health) => this.#run({ kind: 'store-health', health }),
      onFenced: () => this.end(),
    });
    if (this.#isEnded) return null;
    this.#hub = createHubState({ hubId: this.hubId, host }, config, stored, join);
    this.#channel?.up();
    return this.#hub;
  }

  /** Tabs that have no port to this hub find it over the channel. Without locks nobody else is looked for. */
  #serveChannel(): void {
    const { openChannel, locks, hubName, linkOver } = this.#world;
    if (!openChannel || !locks) return;
    this.#channel = serveChannel(openChannel, hubName, this.hubId, {
      linkOver,
      accept: (link) => this.accept(link),
      isAttached: (tabId, link) => this.#links.get(tabId)?.link === link,
    });
  }

  /** Ends the hub for good: hangs up, lets go of its tabs, and makes way for the next one. */
  end(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#hub = null;
    this.#socket.close(closeCodes.normal, 'the hub has ended');
    this.#channel?.close();
    this.#clock.endAll();
    for (const attached of this.#links.values()) {
      attached.leave();
      attached.link.close();
    }
    this.#links.clear();
    void this.#world.store.close();
    this.#ownership?.release();
    this.#world.ended?.();
  }

  #push(link: TabLink, hubId: string, tabId: string, ops: readonly TabOp[]): PushReply {
    if (!this.#isAttached(link, hubId, tabId)) return 'unknown-tab';
    this.#run({ kind: 'tab-ops', tabId, ops, transfers: this.#transfers.counts() });
    return 'taken';
  }

  #isAttached(link: TabLink, hubId: string, tabId: string): boolean {
    return hubId === this.hubId && this.#links.get(tabId)?.link === link;
  }

  /** Shows an error of the hub's code to all tabs: no page sees what is thrown in a worker. */
  trouble(cause: unknown): void {
    // What has passed through here already, and is thrown on.
    if (cause === this.#lastTrouble || this.#troubles >= workerLimits.troubles) return;
    this.#lastTrouble = cause;
    this.#troubles += 1;
    const { message = String(cause), stack = '' } = (cause ?? {}) as Partial<Error>;
    for (const { link } of this.#links.values()) link.tab.trouble(message, stack).catch(() => {});
  }

  /** Drops the port before anything is told to anybody: a message to a page in the back/forward cache evicts it. */
  #drop(tabId: string): void {
    const attached = this.#links.get(tabId);
    if (!attached) return;
    this.#links.delete(tabId);
    attached.leave();
    attached.link.close();
    this.#run({ kind: 'tab-gone', tabId });
  }

  /** Runs the machine; inputs that arise while it runs wait their turn. */
  #run(input: HubInput): void {
    if (this.#isEnded) return;
    this.#inputs.push(input);
    if (this.#isRunning || !this.#hub) return;
    this.#isRunning = true;
    try {
      for (let next = this.#inputs.shift(); next && this.#hub; next = this.#inputs.shift()) {
        const effects = hubTransition(this.#hub, next, this.#world.clock.context());
        for (const effect of effects) this.#carryOut(effect);
        if (this.#hub) this.#world.watch?.(this.#hub);
      }
    } catch (cause) {
      this.trouble(cause);
      throw cause;
    } finally {
      this.#isRunning = false;
    }
    if (this.#hub?.isOutdated) this.#makeWay();
  }

  /**
   * Ends a hub without tabs for those of another version: a worker that outlives its tabs may do so for minutes. One that
   * a tab runs ends with that, which may not have attached yet.
   */
  #makeWay(): void {
    if (this.#hub && this.#links.size === 0 && !this.#world.isElected) this.end();
  }

  #carryOut(effect: HubEffect): void {
    switch (effect.kind) {
      case 'get-token':
        return void this.#getToken(effect.dial, effect.tabIds);
      case 'dial':
        return this.#socket.dial(effect.dial, addressWith(this.#hub!.config, effect.token));
      case 'hang-up':
        return this.#socket.close(effect.code, effect.reason, effect.dial);
      case 'send':
        return this.#socket.send(effect);
      case 'start-timer':
        return this.#startTimer(effect.timer, effect.delayMs);
      case 'cancel-timer':
        return this.#timers.get(effect.timer)?.();
      case 'persist':
        return void this.#persist(effect);
      case 'read-chunk':
        return void this.#read(effect);
      case 'deliver':
        return void this.#deliver(effect);
      default:
        effect satisfies never;
    }
  }

  async #getToken(dial: number, tabIds: readonly string[]): Promise<void> {
    const attachedOf = (id: string) => this.#links.get(id);
    this.#run(await askForToken(dial, tabIds, attachedOf, this.#clock));
  }

  #startTimer(timer: TimerName, delayMs: number): void {
    this.#timers.get(timer)?.();
    const cancel = this.#clock.after(delayMs, () => {
      this.#timers.delete(timer);
      this.#run({ kind: 'elapsed', timer });
    });
    this.#timers.set(timer, cancel);
  }

  async #persist({ commit, change }: Extract<HubEffect, { kind: 'persist' }>): Promise<void> {
    const { clock } = this.#world;
    const begun = clock.context().ticks;
    await this.#world.store.commit(change);
    this.#transfers.commits.add(clock.context().ticks - begun);
    this.#run({ kind: 'committed', commit });
  }

  async #read(effect: Extract<HubEffect, { kind: 'read-chunk' }>): Promise<void> {
    const { dial, transfer, content, at, end } = effect;
    let bytes: ArrayBuffer | null = null;
    try {
      bytes = await (content as Blob).slice(at, end).arrayBuffer();
    } catch {
      // A file that has changed since, or is there no more.
    }
    this.#run({ kind: 'chunk-read', dial, transfer, at, bytes });
  }

  async #deliver({ tabId, number, items }: Extract<HubEffect, { kind: 'deliver' }>): Promise<void> {
    const attached = this.#links.get(tabId);
    if (!attached) return;
    let endedSubs: readonly number[] = [];
    try {
      endedSubs = await attached.link.tab.deliver(this.hubId, number, items);
    } catch (cause) {
      // A batch that its tab failed to take is an error in the console, and no reason to stop sending.
      globalThis.reportError?.(cause);
    }
    if (this.#links.get(tabId) === attached) this.#run({ kind: 'batch-taken', tabId, number, endedSubs });
  }
}
