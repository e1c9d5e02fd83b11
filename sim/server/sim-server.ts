import type { Backbone, Publication } from '../../server/backbone.ts';
import type { IncomingPublish } from '../../server/hooks.ts';
import { createContext, type ServerContext } from '../../server/context.ts';
import { defaultLimits, type ServerLimits } from '../../server/limits.ts';
import { MemoryBackbone } from '../../server/memory-backbone.ts';
import { RequestError } from '../../server/request-error.ts';
import { Session } from '../../server/session.ts';
import type { Transport } from '../../server/transport.ts';
import type { Kernel } from '../kernel/kernel.ts';
import type { Random } from '../kernel/random.ts';
import { Realm } from '../kernel/realm.ts';
import * as simLimits from '../limits.ts';
import type { ServerEnd } from '../network/connection.ts';
import type { Listener, Network } from '../network/network.ts';
import { simBackbone, type BackboneObserver } from './sim-backbone.ts';

/** How the server of a simulation is set up. */
export interface ServerPlan {
  /** Whether histories and client records outlive the process. */
  readonly isDurable: boolean;
  readonly backboneMs: number;
  readonly backboneFailRate: number;
  readonly heartbeatMs: number;
  /** What hooks take to answer; 0 answers at once. */
  readonly hookMs: number;
  readonly needsToken: boolean;
  readonly limits: Partial<ServerLimits> & Pick<ServerLimits, 'historyMessages'>;
}

/** What clients have under way to the server: bytes, and the most contents of one client. */
export interface UnderWay {
  readonly bytes: number;
  readonly most: number;
}

/** Hears what the server does. */
export interface ServerObserver extends BackboneObserver {
  /** A new memory of what was handled: nothing of before is known in it. */
  began(): void;
  /** A process begins. */
  started(): void;
  /** The app's hook sees a content. */
  reviewed(id: string, payload: Publication['payload']): void;
}

/** The media type of Blobs that the server does not want. */
export const refusedMime = 'text/x-refused';

const silent = { debug() {}, info() {}, warn() {}, error() {} };

/** The server's processes, one after the other: real sessions over simulated connections. */
export class SimServer {
  readonly #kernel: Kernel;
  readonly #random: Random;
  readonly #network: Network;
  readonly #plan: ServerPlan;
  readonly #observer: ServerObserver;
  #backbone: Backbone | null = null;
  #realm: Realm | null = null;
  #context: ServerContext | null = null;
  #sessions = new Set<Session>();
  #count = 0;

  constructor(kernel: Kernel, random: Random, network: Network, plan: ServerPlan, observer: ServerObserver) {
    this.#kernel = kernel;
    this.#random = random;
    this.#network = network;
    this.#plan = plan;
    this.#observer = observer;
  }

  /** The process that runs; null while none does. */
  get realm(): Realm | null {
    return this.#realm;
  }

  /** Connections that the process has. */
  get connections(): number {
    return this.#sessions.size;
  }

  /** Ids of the contents that clients which are connected have under way to the process that runs. */
  get transfers(): readonly string[] {
    const context = this.#context;
    return context ? [...context.sessions.keys()].flatMap((key) => context.transfers.ids(key)) : [];
  }

  /** What clients have under way to the process that runs: bytes, and the most contents of one client. */
  get underWay(): UnderWay {
    const context = this.#context;
    if (!context) return { bytes: 0, most: 0 };
    const counts = Array.from(context.sessions.keys(), (key) => context.transfers.ids(key).length);
    return { bytes: context.stats.transferBytes, most: Math.max(0, ...counts) };
  }

  /** Starts a process. */
  start(): void {
    const realm = new Realm(this.#kernel, `server${(this.#count += 1)}`);
    this.#kernel.timeline.add(realm.name, 'starts');
    this.#observer.started();
    this.#realm = realm;
    this.#sessions = new Set();
    const context = this.#createContext(realm);
    this.#context = context;
    const accept = (transport: Transport): ServerEnd => {
      const session = new Session(context, transport, {
        headers: {},
        remoteAddress: 'sim',
        url: '/realtime',
      });
      this.#sessions.add(session);
      return {
        frame: (data) => session.frame(data),
        alive: () => session.alive(),
        drained: () => session.drained(),
        closed: () => {
          this.#sessions.delete(session);
          session.closed();
        },
      };
    };
    this.#network.listener = { realm, accept } satisfies Listener;
  }

  /** Ends the process without a word. */
  crash(): void {
    this.#network.listener = null;
    this.#realm?.die('killed');
    this.#realm = null;
  }

  /** Ends the process as a deployment does: everybody is told, and has some time. */
  restart(): void {
    const realm = this.#realm;
    if (!realm) return;
    this.#network.listener = null;
    realm.enter(() => {
      const retryAfterMs = Math.round(this.#random.next() * simLimits.goAwayMsMax);
      for (const session of this.#sessions) session.goAway('restart', retryAfterMs);
    });
    realm.after(simLimits.goAwayMsMax, () => {
      if (this.#realm !== realm) return;
      this.crash();
      this.start();
    });
  }

  #createContext(realm: Realm) {
    const random = this.#random.fork(realm.name);
    const { isDurable, backboneMs, backboneFailRate } = this.#plan;
    const { heartbeatMs, limits, needsToken, hookMs } = this.#plan;
    const { kernel } = realm;
    const clock = {
      now: () => simLimits.epochMs + Math.floor(kernel.now),
      uptime: () => Math.floor(kernel.now),
      setTimer: (run: () => void, afterMs: number) => realm.after(afterMs, run) as never,
      clearTimer: (timer: unknown) => (timer as () => void)(),
      defer: (run: () => void) => void realm.after(0, run),
    };
    if (!this.#backbone || !isDurable) {
      const bounds = { ...defaultLimits, ...limits };
      this.#backbone = new MemoryBackbone({ limits: bounds, clock, randomId: realm.newId });
      this.#observer.began();
    }
    // What is in the memory of the process is there at once.
    const way = isDurable
      ? { delayMs: backboneMs, failRate: backboneFailRate, random }
      : { delayMs: 0, failRate: 0, random };
    const backbone = simBackbone(realm, this.#backbone, way, this.#observer);
    const late = <T>(answer: () => T) =>
      hookMs === 0
        ? answer()
        : new Promise<T>((resolve) => realm.after(random.next() * hookMs, () => resolve(answer())));
    const options = {
      backbone,
      heartbeatMs,
      limits,
      logger: silent,
      ...(needsToken && { authenticate: () => late(() => ({ identity: 'somebody' })) }),
      ...(hookMs > 0 && { authorize: () => late(() => true) }),
      onPublish: ({ id, payload, large }: IncomingPublish) => {
        if (large) this.#observer.reviewed(id, { id, ...large });
        const isRefused =
          large?.mime === refusedMime || (payload as { readonly refuse?: boolean } | undefined)?.refuse;
        return isRefused ? { code: 'rejected', message: 'refused', retryable: false } : undefined;
      },
      requests: {
        echo: (input: unknown) => late(() => input),
        slow: (input: unknown) =>
          new Promise((resolve) => realm.after(simLimits.slowMs, () => resolve(input))),
        fail: () => {
          throw new RequestError('rejected', 'as asked');
        },
      },
    };
    return createContext(options, { clock, randomId: realm.newId });
  }
}
