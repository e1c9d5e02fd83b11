import type { ServerEnvelope, ServerMessage, ClientEnvelope } from '../../../src/protocol/schema.ts';
import type { Outgoing } from '../../../src/protocol/outgoing.ts';
import type { AttachRequest, HubConfig, TabItem, TabOp } from '../hub-api.ts';
import { hubApiVersion } from '../hub-api.ts';
import { hubTransition } from '../hub.ts';
import { DurationMeter } from '../hub-meter.ts';
import { createHubState, hubStatus, type HubState } from '../hub-state.ts';
import type { HubEffect, HubInput, TimerName } from '../hub-types.ts';
import type { StoredOutbox } from '../store-types.ts';
import { joined, testConfig } from './config.ts';
import { emptyStore } from './plain-store.ts';

type EffectOf<K extends HubEffect['kind']> = Extract<HubEffect, { kind: K }>;
type ItemOf<K extends TabItem['kind']> = Extract<TabItem, { kind: K }>;
type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;
type Envelope = DistributiveOmit<ServerEnvelope, 'id' | 'ts'>;
type Welcome = Omit<Partial<ServerMessage<'welcome'>['payload']>, 'limits'> & {
  readonly limits?: Partial<ServerMessage<'welcome'>['payload']['limits']>;
};

const commits = new DurationMeter().summary();
const noTransfers = { framesReceived: 0, framesSent: 0, bytesReceived: 0, bytesSent: 0, commits };

/** A hub and a world that does what it is told: records effects, runs timers by hand, and answers at once or not. */
export class HubDriver {
  readonly hub: HubState;
  now = 1_000_000;
  random = 0.5;
  /** All effects, in order. */
  readonly effects: HubEffect[] = [];
  /** Whether entries are stored as soon as the hub asks for it. */
  storesAtOnce = true;
  /** Tabs that take no batches. */
  readonly slowTabs = new Set<string>();
  readonly #timers = new Map<TimerName, number>();
  readonly #items = new Map<string, TabItem[]>();

  /** Commits that the store has not settled, and may settle by `commit`. */
  readonly commits: EffectOf<'persist'>[] = [];

  constructor(config: Partial<HubConfig> = {}, stored: Partial<StoredOutbox> = {}) {
    this.hub = createHubState(
      { hubId: 'hub', host: 'shared-worker' },
      { ...testConfig, ...config },
      { ...emptyStore, ...stored },
      joined,
    );
  }

  get status() {
    return hubStatus(this.hub);
  }

  get state() {
    return this.hub.connection.state;
  }

  /** Feeds an input, and whatever the world answers at once. Gives the effects of all that. */
  run(input: HubInput): readonly HubEffect[] {
    const begin = this.effects.length;
    const inputs = [input];
    for (let next = inputs.shift(); next; next = inputs.shift()) {
      const context = { now: this.now, ticks: this.now, random: this.random };
      for (const effect of hubTransition(this.hub, next, context)) {
        this.effects.push(effect);
        inputs.push(...this.#carryOut(effect));
      }
    }
    return this.effects.slice(begin);
  }

  attach(tabId: string, more: Partial<AttachRequest> = {}): void {
    const { url } = this.hub.config;
    const request = { version: hubApiVersion, tabId, lockName: null, options: { url } };
    this.run({ kind: 'tab-attached', request: { ...request, hasAuth: false, lingers: false, ...more } });
  }

  ops(tabId: string, ...ops: TabOp[]): void {
    this.run({ kind: 'tab-ops', tabId, ops, transfers: noTransfers });
  }

  /** The tab publishes entries with these tab sequences. */
  publish(
    tabId: string,
    tabSeqs: readonly number[],
    more: Partial<Extract<TabOp, { kind: 'publish' }>> = {},
  ): void {
    const base = { kind: 'publish', topic: 't', json: '1', ts: this.now } as const;
    this.ops(tabId, ...tabSeqs.map((tabSeq) => ({ ...base, tabSeq, id: `${tabId}${tabSeq}`, ...more })));
  }

  subscribe(tabId: string, sub: number, topic = 't', replay = 0): void {
    this.ops(tabId, { kind: 'subscribe', sub, topic, replay });
  }

  request(tabId: string, id: string): void {
    this.ops(tabId, { kind: 'request', id, method: 'm', json: '1', ts: 0, timeoutMs: 1_000 });
  }

  open(): void {
    this.run({ kind: 'opened', dial: this.hub.connection.dial });
  }

  frame(...envelopes: Envelope[]): readonly HubEffect[] {
    const stamped = envelopes.map((envelope) => ({ id: 's', ts: 1, ...envelope }) as ServerEnvelope);
    return this.run({ kind: 'frame', dial: this.hub.connection.dial, envelopes: stamped });
  }

  welcome({ limits, ...more }: Welcome = {}): void {
    this.frame({
      type: 'welcome',
      payload: {
        version: 1,
        features: ['batch', 'chunks'],
        clientId: 'client',
        clientEpoch: 3,
        lastSeq: this.hub.outbox.acked,
        rejected: [],
        heartbeatMs: 0,
        ...more,
        limits: { maxFrameBytes: 65_536, maxBatch: 64, window: 100, maxSubscriptions: 100, ...limits },
      },
    });
  }

  /** Attaches a tab and opens the connection. */
  connect(tabId = 'a', welcome: Welcome = {}): this {
    this.attach(tabId);
    this.open();
    this.welcome(welcome);
    return this;
  }

  lost(code = 1006): void {
    this.run({ kind: 'lost', dial: this.hub.connection.dial, code, reason: '' });
  }

  /** Dials again after a loss. */
  reopen(welcome: Welcome = {}): void {
    this.advance(this.dueIn('connection')!);
    this.open();
    this.welcome(welcome);
  }

  /** Answers every topic that was asked for and has no answer. */
  confirmTopics(offset = 0): void {
    for (const { head } of this.sent('subscribe')) {
      this.frame({ type: 'subscribed', re: head.id, topic: head.topic, epoch: 'e', offset, head: offset });
    }
  }

  messages(topic: string, first: number, last: number): void {
    const offsets = Array.from({ length: last - first + 1 }, (_, index) => first + index);
    this.frame(
      ...offsets.map((offset) => ({ type: 'message', topic, epoch: 'e', offset, payload: offset }) as const),
    );
  }

  /** The store settles its oldest commits, or all. */
  commit(count = this.commits.length): void {
    const last = this.commits.splice(0, count).at(-1);
    if (last) this.run({ kind: 'committed', commit: last.commit });
  }

  /** Lets time pass, and timers end in their order. */
  advance(ms: number): void {
    const until = this.now + ms;
    for (;;) {
      const [next] = [...this.#timers].toSorted((a, b) => a[1] - b[1]);
      if (!next || next[1] > until) break;
      this.now = Math.max(this.now, next[1]);
      this.#timers.delete(next[0]);
      this.run({ kind: 'elapsed', timer: next[0] });
    }
    this.now = until;
  }

  /** How long a timer has still to run; null if it does not. */
  dueIn(timer: TimerName): number | null {
    const due = this.#timers.get(timer);
    return due === undefined ? null : due - this.now;
  }

  all<K extends HubEffect['kind']>(kind: K): EffectOf<K>[] {
    return this.effects.filter((effect): effect is EffectOf<K> => effect.kind === kind);
  }

  /** What was sent of one type since the last `forget`, oldest first. */
  sent<T extends ClientEnvelope['type']>(
    type: T,
  ): (Outgoing & { head: Extract<ClientEnvelope, { type: T }> })[] {
    return this.all('send')
      .flatMap(({ envelopes }) => envelopes)
      .filter(({ head }) => head.type === type) as (Outgoing & {
      head: Extract<ClientEnvelope, { type: T }>;
    })[];
  }

  /** Types of everything that was sent since the last `forget`. */
  get sentTypes(): string[] {
    return this.all('send').flatMap(({ envelopes }) => envelopes.map(({ head }) => head.type));
  }

  /** What a tab was told since the last `forget`. */
  items(tabId: string): readonly TabItem[] {
    return this.#items.get(tabId) ?? [];
  }

  itemsOf<K extends TabItem['kind']>(tabId: string, kind: K): ItemOf<K>[] {
    return this.items(tabId).filter((item): item is ItemOf<K> => item.kind === kind);
  }

  /** Forgets what was recorded so far. */
  forget(): void {
    this.effects.length = 0;
    this.#items.clear();
  }

  #carryOut(effect: HubEffect): HubInput[] {
    switch (effect.kind) {
      case 'start-timer':
        this.#timers.set(effect.timer, this.now + Math.max(0, effect.delayMs));
        return [];
      case 'cancel-timer':
        this.#timers.delete(effect.timer);
        return [];
      case 'persist':
        if (this.storesAtOnce) return [{ kind: 'committed', commit: effect.commit }];
        this.commits.push(effect);
        return [];
      case 'deliver': {
        const { tabId, number, items } = effect;
        this.#items.set(tabId, [...this.items(tabId), ...items]);
        return this.slowTabs.has(tabId) ? [] : [{ kind: 'batch-taken', tabId, number, endedSubs: [] }];
      }
      default:
        return [];
    }
  }
}
