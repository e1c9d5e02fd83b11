import type { Progress } from '../../src/types.ts';
import type { Realm } from '../kernel/realm.ts';
import type { Publication } from './ledger.ts';
import type { Follower } from './topics.ts';
import { must } from './violation.ts';

/** Whether what is told of large payloads on their way only ever grows. */
export class ProgressChecks {
  readonly #up = new Map<Publication, number>();
  readonly #down = new Map<
    Follower,
    Progress & { readonly hubId: string | null; readonly rewinds: number }
  >();
  /** Topics that a hub has subscribed to on its connection of now. */
  readonly #topics = new Map<Realm, Set<string>>();
  readonly #keepsTransfers: boolean;
  #rewinds = 0;
  #startedAt = 0;

  constructor(keepsTransfers: boolean) {
    this.#keepsTransfers = keepsTransfers;
  }

  /** A server process begins, to which nothing has come yet. */
  started(now: number): void {
    this.#startedAt = now;
  }

  dialled(hub: Realm): void {
    this.#topics.set(hub, new Set());
  }

  /**
   * A hub that subscribes once more on one connection begins a topic again, for a tab that was further behind than it
   * remembers: what was under way comes anew.
   */
  sent(hub: Realm, data: string | Uint8Array): void {
    if (typeof data !== 'string' || !data.includes('"type":"subscribe"')) return;
    const topics = this.#topics.get(hub);
    for (const [, topic] of data.matchAll(/"type":"subscribe","topic":"([^"]+)"/g)) {
      if (topics?.has(topic!)) this.#rewinds += 1;
      topics?.add(topic!);
    }
  }

  /** A page hears how much of its entry the server has. */
  uploaded(entry: Publication, ratio: number): void {
    const { id, content, at } = entry;
    const before = this.#up.get(entry) ?? 0;
    // What an earlier process said can come late, and a server without room forgets what had come.
    const isLess = ratio < before && this.#startedAt <= at && this.#keepsTransfers;
    must(content !== null && ratio > 0 && ratio <= 1 && !isLess, 'progress goes on', () => {
      return `${id} is at ${ratio}, after ${before}`;
    });
    this.#up.set(entry, ratio);
  }

  /** A subscription hears how much of the next message its hub has. */
  downloaded(follower: Follower, progress: Progress, hubId: string | null): void {
    const { topic, id, offset, received, size, ratio } = progress;
    const before = this.#down.get(follower);
    const { last } = follower;
    const rewinds = this.#rewinds;
    const isSame = before?.hubId === hubId && before.id === id && before.offset === offset;
    const isLess = isSame && received < before.received;
    const isRight =
      topic === follower.topic && ratio === received / size && received >= 0 && received <= size;
    const isNext = last === null || offset === last.offset + 1;
    must(isRight && isNext && !(isLess && before.rewinds === rewinds), 'progress goes on', () => {
      return `${follower.who} has ${received} of ${size} of ${id} at ${offset}, after ${before?.received} and ${last?.offset}`;
    });
    // What was said before a topic began again can come after that, also as the first that a subscription hears of it.
    const known = isLess ? rewinds : isSame ? before.rewinds : rewinds - 1;
    this.#down.set(follower, { ...progress, hubId, rewinds: known });
  }
}
