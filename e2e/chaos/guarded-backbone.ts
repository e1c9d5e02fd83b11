import { randomUUID } from 'node:crypto';
import type {
  Backbone,
  ClientOpening,
  ClientSequence,
  HistorySlice,
  MaybePromise,
  OpenResult,
  Publication,
  PublishResult,
  ReadBounds,
  Refusal,
  SequenceProblem,
  TopicHead,
  WatchResult,
} from 'onesocket/server';
import * as chaosLimits from './limits.ts';
import type { Breakage, Opening } from './server-contract.ts';

/** What the guard writes down. */
export interface GuardLog {
  /** Openings of earlier processes, too. */
  readonly openings: readonly Opening[];
  opened(opening: Opening): void;
  violated(text: string): void;
  /** Calls `run` after the time. */
  after(delayMs: number, run: () => void): void;
}

/** A publish in how many is broken, by a broken server. */
const breaksEvery = 200;

/** A large one in how many is damaged, by a broken server, which is killed every few seconds and counts anew. */
const damagesEvery = 2;

/** Passes everything on to the real backbone, and watches that two hubs of one client are never both accepted. */
export class GuardedBackbone implements Backbone {
  readonly #inner: Backbone;
  readonly #log: GuardLog;
  readonly #breaks: Breakage | undefined;
  readonly #epochs = new Map<string, number>();
  /** The leases of each client that have not been closed; the newest is the last. */
  readonly #open = new Map<string, Set<number>>();
  #published = 0;
  #large = 0;
  #late: Publication | undefined;

  constructor(inner: Backbone, log: GuardLog, breaks: Breakage | undefined) {
    this.#inner = inner;
    this.#log = log;
    this.#breaks = breaks;
    for (const { key, epoch } of log.openings) this.#epochs.set(key, epoch);
  }

  async openClient(opening: ClientOpening): Promise<OpenResult> {
    const result = await this.#inner.openClient(opening);
    const { key, epoch } = opening;
    if (result.kind !== 'open') return result;
    const newest = this.#epochs.get(key) ?? 0;
    if (epoch < newest) this.#log.violated(`${key} was opened with epoch ${epoch} after ${newest}`);
    this.#epochs.set(key, epoch);
    this.#log.opened({ key, epoch, at: Date.now() });
    const open = this.#open.get(key) ?? new Set();
    this.#open.set(key, open);
    for (const older of open) this.#log.after(chaosLimits.overlapMsMax, () => this.#checkClosed(key, older));
    open.add(result.lease);
    return result;
  }

  async publish(publication: Publication): Promise<PublishResult> {
    const { client } = publication;
    // As of the call: what is opened while this is being written comes after it.
    const newest = client && [...(this.#open.get(client.key) ?? [])].at(-1);
    const result = await this.#publish(publication);
    if (client && newest !== undefined && client.lease < newest && result.kind === 'published') {
      this.#log.violated(`${client.key} published with lease ${client.lease} while ${newest} was open`);
    }
    return result;
  }

  closeClient(key: string, lease: number): MaybePromise<void> {
    this.#open.get(key)?.delete(lease);
    return this.#inner.closeClient(key, lease);
  }

  recordRefusal(
    client: ClientSequence,
    refusal: Refusal,
  ): MaybePromise<{ readonly kind: 'recorded' } | SequenceProblem> {
    return this.#inner.recordRefusal(client, refusal);
  }

  read(topic: string, after: number, bounds: ReadBounds): MaybePromise<HistorySlice> {
    return this.#inner.read(topic, after, bounds);
  }

  head(topic: string): MaybePromise<TopicHead> {
    return this.#inner.head(topic);
  }

  watch(topic: string, advanced: (epoch: string, offset: number) => void): MaybePromise<WatchResult> {
    return this.#inner.watch(topic, advanced);
  }

  close(): MaybePromise<void> {
    return this.#inner.close();
  }

  async #publish(publication: Publication): Promise<PublishResult> {
    if (this.#breaks === 'damage') return this.#inner.publish(this.#damage(publication));
    const isBroken = this.#breaks !== undefined && ++this.#published % breaksEvery === 0;
    if (isBroken && this.#breaks === 'drop') {
      return this.#inner.publish({ ...publication, topic: 'dropped' });
    }
    if (isBroken && this.#breaks === 'swap') this.#late = publication;
    if (this.#late === publication) return this.#inner.publish({ ...publication, topic: 'dropped' });
    const result = await this.#inner.publish(publication);
    if (result.kind !== 'published') return result;
    if (isBroken) await this.#inner.publish(again(publication));
    if (this.#late?.topic === publication.topic) {
      const late = this.#late;
      this.#late = undefined;
      await this.#inner.publish(again(late));
    }
    return result;
  }

  #damage(publication: Publication): Publication {
    const { payload } = publication;
    if (typeof payload === 'string' || !('parts' in payload)) return publication;
    if (++this.#large % damagesEvery !== 0) return publication;
    const parts = payload.parts.map((part) => part.slice());
    const part = parts[Math.floor(parts.length / 2)]!;
    part[Math.floor(part.length / 2)]! ^= 1;
    return { ...publication, payload: { ...payload, parts } };
  }

  #checkClosed(key: string, lease: number): void {
    if (this.#open.get(key)?.has(lease)) {
      this.#log.violated(`${key} has two connections: lease ${lease} is still open`);
    }
  }
}

/** A publication once more, of nobody. No two large contents may have one name. */
const again = ({ client: _, payload, ...publication }: Publication): Publication => {
  const isLarge = typeof payload !== 'string' && 'parts' in payload;
  return { ...publication, payload: isLarge ? { ...payload, id: randomUUID() } : payload };
};
