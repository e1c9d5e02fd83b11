import type { Gap, Message } from '../../src/types.ts';
import type { HandledPublish } from '../server/sim-backbone.ts';
import { faultOfMessage } from '../workload/content.ts';
import type { Ledger } from './ledger.ts';
import { must } from './violation.ts';

/** One subscription of a page, as its handlers see it. */
export interface Follower {
  readonly who: string;
  readonly topic: string;
  /** Whether it begins at the stored cursor. */
  readonly isStored: boolean;
  /** Head of the topic when it was confirmed. */
  readyAt: Head | null;
  last: { readonly epoch: string; readonly offset: number } | null;
}

interface Head {
  readonly epoch: string;
  readonly offset: number;
}

/** What the server has of each topic, and whether every subscriber sees it in order, without a hole or a repeat. */
export class Topics {
  /** Ids by offset, by topic and epoch. */
  readonly #histories = new Map<string, string[]>();
  readonly #heads = new Map<string, Head>();
  readonly #ledger: Ledger;
  readonly #historyMessages: number;

  constructor(ledger: Ledger, historyMessages: number) {
    this.#ledger = ledger;
    this.#historyMessages = historyMessages;
  }

  head(topic: string): Head {
    return this.#heads.get(topic) ?? { epoch: '', offset: 0 };
  }

  handled({ publication: { id, topic }, result, kept }: HandledPublish): void {
    must(kept <= this.#historyMessages, 'histories are bounded', () => `${topic} has ${kept} messages`);
    if (result.kind !== 'published') return;
    const { epoch, offset } = result;
    const key = `${topic}\n${epoch}`;
    const history = this.#histories.get(key) ?? [];
    this.#histories.set(key, history);
    must(history.length === offset - 1, 'offsets count up', () => `${topic} got ${offset}`);
    history.push(id);
    this.#heads.set(topic, { epoch, offset });
  }

  /** A server begins with an empty memory. */
  began(): void {
    this.#heads.clear();
  }

  follow(who: string, topic: string, isStored: boolean): Follower {
    return { who, topic, isStored, readyAt: null, last: null };
  }

  ready(follower: Follower): void {
    follower.readyAt = this.head(follower.topic);
  }

  message(follower: Follower, { topic, epoch, offset, id, payload }: Message): void {
    const { who, last } = follower;
    const at = () =>
      `${who} of ${topic} got ${id} at ${epoch} ${offset} after ${last?.epoch} ${last?.offset}`;
    must(topic === follower.topic, 'messages of the topic', at);
    const known = this.#histories.get(`${topic}\n${epoch}`)?.[offset - 1];
    must(known === id, 'messages as they are', () => `${at()}, which is ${known}`);
    const content = this.#ledger.find(id)?.content;
    const fault = content ? faultOfMessage(content, payload) : null;
    must(fault === null, 'contents arrive whole', () => `${at()}: ${fault}`);
    if (last) {
      must(last.epoch === epoch, 'no new epoch without a gap', at);
      must(offset > last.offset, 'no repeat', at);
      must(offset === last.offset + 1, 'no hole without a gap', at);
    } else if (follower.readyAt?.epoch === epoch) {
      must(offset <= follower.readyAt.offset + 1, 'no hole after the start', at);
    }
    follower.last = { epoch, offset };
  }

  gap(follower: Follower, { epoch, offset }: Gap): void {
    const { last, topic, who } = follower;
    const goesBack = last !== null && last.epoch === epoch && offset < last.offset;
    must(
      !goesBack,
      'a gap goes forward',
      () => `${who} of ${topic} got a gap to ${offset} after ${last!.offset}`,
    );
    follower.last = { epoch, offset };
  }

  /** What a follower has still to see; null if it has everything. */
  behind({ last, topic, who, readyAt }: Follower): string | null {
    const head = this.head(topic);
    const seen = last ?? readyAt;
    if (!seen || head.offset === 0) return null;
    if (seen.epoch === head.epoch && seen.offset === head.offset) return null;
    return `${who} of ${topic} is at ${seen.epoch} ${seen.offset}, the topic at ${head.epoch} ${head.offset}`;
  }
}
