import { decodeClientFrame } from '../../src/protocol/codec.ts';
import type { ClientEnvelope } from '../../src/protocol/schema.ts';
import {
  hubApiVersion,
  type AttachReply,
  type AttachRequest,
  type HubApi,
  type TabItem,
} from '../core/hub-api.ts';
import type { TokenReply } from '../core/token-types.ts';
import { PlainStore } from '../core/testing/plain-store.ts';
import type { OpenChannel } from '../channel.ts';
import { HubHost, type HubWorld } from '../hub-host.ts';
import type { OutboxStore, StoreOpening } from '../outbox-store.ts';
import { linkOver, type TabLink } from '../tab-link.ts';
import type { TransportEvents } from '../transport.ts';
import { memoryChannels } from './memory-channels.ts';
import { MemoryLocks } from './memory-locks.ts';

/** Where the hubs connect to. */
export const url = 'ws://hub.test/';

/** A socket that was dialled: what was written to it, and the events to feed. */
interface FakeSocket {
  readonly events: TransportEvents;
  readonly frames: (string | Uint8Array)[];
  closed: { readonly code: number; readonly reason: string } | null;
}

/** A store that settles at once, unless told otherwise, and outlives its hubs. */
export class MemoryStore implements OutboxStore {
  readonly plain: PlainStore;
  opening: StoreOpening | null = null;
  isClosed = false;
  /** What the opening waits for. */
  opens = Promise.resolve();
  /** Whether it settles commits. */
  settles = true;

  constructor(plain = new PlainStore()) {
    this.plain = plain;
  }

  async open(opening: StoreOpening) {
    this.opening = opening;
    await this.opens;
    return this.plain.open();
  }

  async commit(change: Parameters<OutboxStore['commit']>[0]): Promise<void> {
    if (!this.settles) await new Promise(() => {});
    this.plain.write(change);
  }

  async close(): Promise<void> {
    this.isClosed = true;
  }
}

let hubs = 0;
/** The name of all hubs. */
export const hubName = 'onesocket:test';

/** What may be another than usual. */
type WorldParts = Omit<Partial<HubWorld>, 'store' | 'locks' | 'openChannel'> & {
  readonly store: MemoryStore;
  readonly locks: MemoryLocks;
  readonly openChannel: OpenChannel;
  readonly hasLocks: boolean;
};

/** A world in memory: sockets and timers are driven by hand. */
export class World {
  readonly sockets: FakeSocket[] = [];
  readonly timers = new Set<{ readonly delayMs: number; readonly run: () => void }>();
  readonly store: MemoryStore;
  readonly locks: MemoryLocks;
  readonly openChannel: OpenChannel;
  readonly host: HubHost;
  hasEnded = false;

  /** Shares store, locks and channels with the world of an earlier hub. */
  constructor({
    store = new MemoryStore(),
    locks = new MemoryLocks(),
    openChannel = memoryChannels(),
    hasLocks = true,
    ...more
  }: Partial<WorldParts> = {}) {
    this.store = store;
    this.locks = locks;
    this.openChannel = openChannel;
    this.host = new HubHost({
      host: 'shared-worker',
      isElected: false,
      openChannel,
      linkOver,
      hubName,
      store,
      randomId: () => `hub${(hubs += 1)}`,
      clock: {
        context: () => ({ now: 1_000, ticks: 1_000, random: 0.5 }),
        after: (delayMs, run) => {
          const timer = { delayMs, run };
          this.timers.add(timer);
          return () => this.timers.delete(timer);
        },
      },
      dial: (_url, events) => {
        const socket: FakeSocket = { events, frames: [], closed: null };
        this.sockets.push(socket);
        return {
          send: (frame) => void socket.frames.push(frame),
          close: (code, reason) => void (socket.closed = { code, reason }),
        };
      },
      locks: hasLocks ? locks : null,
      ended: () => (this.hasEnded = true),
      ...more,
    });
  }

  /** Everything that was sent on the newest socket. */
  get sent(): ClientEnvelope[] {
    return this.sockets.at(-1)!.frames.flatMap((frame) => {
      const decoded = decodeClientFrame(frame);
      if ('violation' in decoded) throw new Error(decoded.violation);
      return decoded.envelopes;
    });
  }

  /** Lets all timers with this delay end. */
  elapse(delayMs: number): void {
    for (const timer of this.timers) {
      if (timer.delayMs !== delayMs) continue;
      this.timers.delete(timer);
      timer.run();
    }
  }

  /** Opens the newest socket and welcomes the hub. */
  welcome(features: readonly string[] = ['batch']): void {
    const { events } = this.sockets.at(-1)!;
    events.opened();
    const limits = { maxFrameBytes: 65_536, maxBatch: 16, window: 100, maxSubscriptions: 100 };
    const hello = { version: 1, features, clientId: 'c', clientEpoch: 1, lastSeq: 0 };
    const payload = { ...hello, rejected: [], heartbeatMs: 0, limits };
    events.frame(JSON.stringify({ type: 'welcome', id: 'w', ts: 1, payload }));
  }
}

/** A tab in memory. It takes every batch, unless told otherwise. */
export class FakeTab {
  readonly items: TabItem[] = [];
  readonly numbers: number[] = [];
  isClosed = false;
  /** Whether it takes the batches that it is sent. */
  takes = true;
  readonly troubles: string[] = [];
  /** What it rejects every batch with, as a page does whose handler throws. */
  fails: Error | null = null;
  /** What its `auth` gives; a promise that is not settled stands for a tab that has died. */
  token: () => Promise<TokenReply> = async () => ({ token: `token of ${this.id}` });
  tokensAsked = 0;
  api!: HubApi;
  readonly id: string;

  constructor(world: World, id: string) {
    this.id = id;
    const link: TabLink = {
      tab: {
        deliver: async (_hubId, number, items) => {
          if (!this.takes) await new Promise(() => {});
          this.numbers.push(number);
          if (this.fails) throw this.fails;
          this.items.push(...items);
          return [];
        },
        token: () => {
          this.tokensAsked += 1;
          return this.token();
        },
        trouble: async (message) => void this.troubles.push(message),
      },
      serve: (api) => (this.api = api),
      close: () => (this.isClosed = true),
    };
    world.host.accept(link);
  }

  async attach(more: Partial<AttachRequest> = {}): Promise<AttachReply> {
    const request = { version: hubApiVersion, tabId: this.id, lockName: `lock ${this.id}`, options: { url } };
    return this.api.attach({ ...request, hasAuth: false, lingers: false, ...more });
  }

  async attached(more: Partial<AttachRequest> = {}) {
    const reply = await this.attach(more);
    if (reply.kind !== 'attached') throw new Error(JSON.stringify(reply));
    return reply;
  }
}

/** Lets everything happen that needs no timer. */
export const turn = async () => {
  for (let count = 0; count < 20; count++) await Promise.resolve();
};

/** An entry as a tab publishes it. */
export const publish = (tabSeq: number, more: object = { json: '{"a":1}' }) =>
  ({ kind: 'publish', tabSeq, id: `p${tabSeq}`, topic: 't', ts: 1, ...more }) as const;
