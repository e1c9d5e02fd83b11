import { errorData, queueFull } from '../src/protocol/errors.ts';
import { decodeServerFrame, encodeBinary, encodeEnvelope, packFrames } from '../src/protocol/codec.ts';
import type { Clock } from './clock.ts';
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
  type HubApi,
  type HubOptions,
  type PushReply,
  type TabOp,
} from './core/hub-api.ts';
import * as workerLimits from './limits.ts';
import type { OutboxStore } from './outbox-store.ts';
import type { TabLink } from './tab-link.ts';
import type { Dial, Transport } from './transport.ts';
import { withDeadline } from './deadline.ts';

/** The world as a hub sees it; the simulation puts another one in its place. */
export interface HubWorld {
  readonly host: HostKind;
  readonly clock: Clock;
  readonly store: OutboxStore;
  readonly dial: Dial;
  /** Calls back when the tab that holds this lock has gone; absent without Web Locks. */
  readonly watchTabLock?: (lockName: string, onGone: () => void) => () => void;
}

/** The one interpreter of the hub machine: inputs of the world go in, its effects are carried out. */
export class HubHost {
  readonly hubId = crypto.randomUUID();
  readonly #world: HubWorld;
  readonly #links = new Map<string, { readonly link: TabLink; readonly unwatch: () => void }>();
  readonly #timers = new Map<TimerName, () => void>();
  readonly #inputs: HubInput[] = [];
  #isRunning = false;
  #starting: Promise<HubState> | null = null;
  #hub: HubState | null = null;
  #transport: { readonly dial: number; readonly socket: Transport } | null = null;

  constructor(world: HubWorld) {
    this.#world = world;
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
    const hub = await (this.#starting ??= this.#start(request.options));
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
      lockName === null ? undefined : this.#world.watchTabLock?.(lockName, () => this.#drop(tabId));
    this.#links.set(tabId, { link, unwatch: unwatch ?? (() => {}) });
    const seqs = hub.outbox.tabSeqs(tabId);
    const failed = hub.tabs.failuresOf(tabId);
    this.#run({ kind: 'tab-attached', request });
    return { kind: 'attached', ...seqs, failed, status: hubStatus(hub) };
  }

  async #start(options: HubOptions): Promise<HubState> {
    const identity = await this.#world.store.open();
    this.#hub = createHubState(
      { hubId: this.hubId, host: this.#world.host },
      completeConfig(options),
      identity,
    );
    return this.#hub;
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
    this.#inputs.push(input);
    if (this.#isRunning || !this.#hub) return;
    this.#isRunning = true;
    try {
      for (let next = this.#inputs.shift(); next; next = this.#inputs.shift()) {
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
      case 'forget':
        return void this.#world.store.forget(effect.through);
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

  async #persist({ entries }: Extract<HubEffect, { kind: 'persist' }>): Promise<void> {
    try {
      await this.#world.store.append(entries);
    } catch (cause) {
      const error = errorData('rejected', `the outbox failed: ${String(cause)}`, {
        retryable: true,
      });
      this.#run({ kind: 'store-failed', seqs: entries.map((entry) => entry.seq), error });
      return;
    }
    this.#run({ kind: 'stored', seq: entries.at(-1)!.seq });
  }

  async #deliver({ tabId, number, items }: Extract<HubEffect, { kind: 'deliver' }>): Promise<void> {
    const attached = this.#links.get(tabId);
    if (!attached) return;
    try {
      await attached.link.tab.deliver(this.hubId, number, items);
    } finally {
      // A batch that its tab failed to take is an error in the console, and no reason to stop sending.
      if (this.#links.get(tabId) === attached) this.#run({ kind: 'batch-taken', tabId, number });
    }
  }
}

const refused = (code: Parameters<typeof errorData>[0], message: string): AttachReply => ({
  kind: 'refused',
  error: errorData(code, message),
});
