import { errorData, queueFull } from '../src/protocol/errors.ts';
import { decodeServerFrame, encodeBinary, encodeEnvelope, packFrames } from '../src/protocol/codec.ts';
import * as closeCodes from '../src/protocol/close-codes.ts';
import type { Clock } from './clock.ts';
import { completeConfig } from './core/config.ts';
import * as coreLimits from './core/limits.ts';
import type { Join } from './core/download.ts';
import { hubTransition } from './core/hub.ts';
import { createHubState, hubStatus, type HubState } from './core/hub-state.ts';
import type { HubEffect, HubInput, TimerName } from './core/hub-types.ts';
import {
  hubApiVersion,
  type AttachReply,
  type AttachRequest,
  type HostKind,
  type HubApi,
  type HubOptions,
  type PushReply,
  type TabOp,
} from './core/hub-api.ts';
import * as workerLimits from './limits.ts';
import type { Locks } from './locks.ts';
import type { OutboxStore } from './outbox-store.ts';
import { gainOwnership, type Ownership } from './ownership.ts';
import type { TabLink } from './tab-link.ts';
import type { Dial, Transport } from './transport.ts';
import { withDeadline } from './deadline.ts';

/** The world as a hub sees it; the simulation puts another one in its place. */
export interface HubWorld {
  readonly host: HostKind;
  /** Names the locks; see names.ts. */
  readonly hubName: string;
  readonly clock: Clock;
  randomId(): string;
  readonly store: OutboxStore;
  readonly dial: Dial;
  /** Null without Web Locks. */
  readonly locks: Locks | null;
  /** The hub has ended, and will answer nobody any more. */
  readonly ended?: () => void;
}

/** The one interpreter of the hub machine: inputs of the world go in, its effects are carried out. */
export class HubHost {
  readonly hubId: string;
  readonly #world: HubWorld;
  readonly #links = new Map<string, { readonly link: TabLink; readonly unwatch: () => void }>();
  readonly #timers = new Map<TimerName, () => void>();
  readonly #inputs: HubInput[] = [];
  #isRunning = false;
  #isEnded = false;
  #starting: Promise<HubState | null> | null = null;
  #ownership: Ownership | null = null;
  #hub: HubState | null = null;
  #transport: { readonly dial: number; readonly socket: Transport } | null = null;

  constructor(world: HubWorld) {
    this.#world = world;
    this.hubId = world.randomId();
  }

  /** Serves one tab over its link. */
  accept(link: TabLink): void {
    const api: HubApi = {
      attach: (request) => this.#attach(link, request),
      push: (hubId, tabId, ops) => this.#push(link, hubId, tabId, ops),
      detach: (hubId, tabId) => {
        if (this.#isAttached(link, hubId, tabId)) this.#drop(tabId);
      },
    };
    link.serve(api);
  }

  async #attach(link: TabLink, request: AttachRequest): Promise<AttachReply> {
    if (request.version !== hubApiVersion) {
      return refused('unsupported-version', `the hub speaks version ${hubApiVersion}`);
    }
    const { clock } = this.#world;
    // The options of the first tab decide.
    this.#starting ??= this.#start(request.options);
    const hub = this.#hub ?? (await withDeadline(this.#starting, workerLimits.attachAnswerMs, clock));
    if (hub === null || this.#isEnded) return new Promise(() => {});
    if (!hub) return { kind: 'waiting' };
    if (request.options.url !== hub.config.url) {
      return refused('invalid-option', `the hub of this name serves ${hub.config.url}`);
    }
    const { tabId, lockName } = request;
    const before = this.#links.get(tabId);
    if (!before && this.#links.size >= coreLimits.tabs) {
      return { kind: 'refused', error: queueFull('tabs') };
    }
    before?.unwatch();
    if (before && before.link !== link) before.link.close();
    const unwatch =
      lockName === null ? undefined : this.#world.locks?.whenFree(lockName, () => this.#drop(tabId));
    this.#links.set(tabId, { link, unwatch: unwatch ?? (() => {}) });
    const seqs = hub.outbox.tabSeqs(tabId);
    const failed = hub.tabs.failuresOf(tabId);
    this.#run({ kind: 'tab-attached', request });
    const { lifeLock } = this.#ownership!;
    return { kind: 'attached', ...seqs, failed, status: hubStatus(hub), lifeLock };
  }

  /** Becomes the hub. Null if another one has taken the store over meanwhile. */
  async #start(options: HubOptions): Promise<HubState | null> {
    const { locks, hubName, store, host } = this.#world;
    const { hubId } = this;
    this.#ownership = await gainOwnership(locks, hubName, hubId);
    if (this.#isEnded) this.#ownership.release();
    const config = completeConfig(options);
    const stored = await store.open({
      durability: config.durability,
      onHealth: (health) => this.#run({ kind: 'store-health', health }),
      onFenced: () => this.end(),
    });
    if (!this.#isEnded) this.#hub = createHubState({ hubId, host }, config, stored, join);
    return this.#hub;
  }

  /** Ends the hub for good: hangs up, lets go of its tabs, and makes way for the next one. */
  end(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#hub = null;
    this.#transport?.socket.close(closeCodes.normal, 'another hub has taken over');
    for (const cancel of this.#timers.values()) cancel();
    for (const { link, unwatch } of this.#links.values()) {
      unwatch();
      link.close();
    }
    this.#links.clear();
    void this.#world.store.close();
    this.#ownership?.release();
    this.#world.ended?.();
  }

  #push(link: TabLink, hubId: string, tabId: string, ops: readonly TabOp[]): PushReply {
    if (!this.#isAttached(link, hubId, tabId)) return 'unknown-tab';
    this.#run({ kind: 'tab-ops', tabId, ops });
    return 'taken';
  }

  #isAttached(link: TabLink, hubId: string, tabId: string): boolean {
    return hubId === this.hubId && this.#links.get(tabId)?.link === link;
  }

  /** Drops the port before anything is told to anybody: a message to a page in the back/forward cache evicts it. */
  #drop(tabId: string): void {
    const attached = this.#links.get(tabId);
    if (!attached) return;
    this.#links.delete(tabId);
    attached.unwatch();
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
      }
    } finally {
      this.#isRunning = false;
    }
  }

  #carryOut(effect: HubEffect): void {
    switch (effect.kind) {
      case 'get-token':
        return void this.#getToken(effect.dial, effect.tabIds);
      case 'dial':
        return this.#dial(effect.dial);
      case 'hang-up':
        if (this.#transport?.dial === effect.dial) this.#transport.socket.close(effect.code, effect.reason);
        return;
      case 'send':
        return this.#send(effect);
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
    let error = errorData('auth-failed', 'no tab gave a token in time', { retryable: true });
    for (const tabId of tabIds) {
      const link = this.#links.get(tabId)?.link;
      if (!link) continue;
      const reply = await withDeadline(link.tab.token(), workerLimits.tokenTimeoutMs, this.#world.clock);
      if (reply && 'token' in reply) {
        this.#run({ kind: 'token', dial, credentials: { token: reply.token } });
        return;
      }
      if (reply) error = reply.error;
    }
    this.#run({ kind: 'no-token', dial, error });
  }

  #dial(dial: number): void {
    const socket = this.#world.dial(this.#hub!.config.url, {
      opened: () => this.#run({ kind: 'opened', dial }),
      frame: (data) => {
        const decoded = decodeServerFrame(data);
        if ('violation' in decoded) this.#run({ kind: 'bad-frame', dial, violation: decoded.violation });
        else this.#run({ kind: 'frame', dial, envelopes: decoded.envelopes });
      },
      congestion: (isCongested) => this.#run({ kind: 'congestion', dial, isCongested }),
      closed: (code, reason) => this.#run({ kind: 'lost', dial, code, reason }),
    });
    this.#transport = { dial, socket };
  }

  /** Text envelopes that stand together travel together; a binary one keeps its place in the order. */
  #send({ dial, envelopes, bounds }: Extract<HubEffect, { kind: 'send' }>): void {
    if (this.#transport?.dial !== dial) return;
    const { socket } = this.#transport;
    let texts: string[] = [];
    const sendTexts = () => {
      for (const frame of packFrames(texts, bounds)) socket.send(frame);
      texts = [];
    };
    for (const outgoing of envelopes) {
      if (outgoing.bytes) {
        sendTexts();
        socket.send(encodeBinary(outgoing.head, outgoing.bytes));
      } else {
        texts.push(encodeEnvelope(outgoing));
      }
    }
    sendTexts();
  }

  #startTimer(timer: TimerName, delayMs: number): void {
    this.#timers.get(timer)?.();
    const cancel = this.#world.clock.after(delayMs, () => {
      this.#timers.delete(timer);
      this.#run({ kind: 'elapsed', timer });
    });
    this.#timers.set(timer, cancel);
  }

  async #persist({ commit, change }: Extract<HubEffect, { kind: 'persist' }>): Promise<void> {
    await this.#world.store.commit(change);
    this.#run({ kind: 'committed', commit });
  }

  async #read({
    dial,
    transfer,
    content,
    at,
    end,
  }: Extract<HubEffect, { kind: 'read-chunk' }>): Promise<void> {
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

const join: Join = (parts, type) => new Blob(parts as BlobPart[], { type: type ?? '' });

const refused = (code: Parameters<typeof errorData>[0], message: string): AttachReply => ({
  kind: 'refused',
  error: errorData(code, message),
});
