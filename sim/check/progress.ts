import type { Progress } from '../../src/types.ts';
import type { Publication } from './ledger.ts';
import type { Follower } from './topics.ts';
import { must } from './violation.ts';

/** Whether what is told of large payloads on their way only ever grows. */
export class ProgressChecks {
  readonly #up = new Map<Publication, number>();
  readonly #down = new Map<Follower, Progress & { readonly hubId: string | null }>();
  #startedAt = 0;

  /** A server process begins, to which nothing has come yet. */
  started(now: number): void {
    this.#startedAt = now;
  }

  /** A page hears how much of its entry the server has. */
  uploaded(entry: Publication, ratio: number): void {
    const { id, content, at } = entry;
    const before = this.#up.get(entry) ?? 0;
    // What an earlier process said can come late.
    const isLess = ratio < before && this.#startedAt <= at;
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
    const isSame = before?.hubId === hubId && before.id === id && before.offset === offset;
    const isRight =
      topic === follower.topic && ratio === received / size && received >= 0 && received <= size;
    const isNext = last === null || offset === last.offset + 1;
    must(isRight && isNext && !(isSame && received < before.received), 'progress goes on', () => {
      return `${follower.who} has ${received} of ${size} of ${id} at ${offset}, after ${before?.received} and ${last?.offset}`;
    });
    this.#down.set(follower, { ...progress, hubId });
  }
}
