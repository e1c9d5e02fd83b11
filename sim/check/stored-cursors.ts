import type { DatabaseFile, Writes } from '../browser/disk.ts';
import type { Follower } from './topics.ts';
import { must } from './violation.ts';

interface Place {
  readonly epoch: string;
  readonly offset: number;
}

/** Whether subscriptions `since: 'stored'` of a browser miss nothing together, however many pages come and go. */
export class StoredCursors {
  /** How far the pages of this browser have seen a topic, by topic and epoch. */
  readonly #seen = new Map<string, number>();
  /** The first cursor of a topic: where a subscription began that has taken nothing yet. */
  readonly #bases = new Map<string, number>();
  /** Cursors that were on the disk when a subscription began. */
  readonly #began = new Map<Follower, { readonly at: number; readonly place: Place | null }>();

  readonly #wasInMemory: (sinceMs: number) => boolean;
  readonly #now: () => number;

  /** `wasInMemory` says whether the outbox was in memory at any time since: then nothing is known of stored cursors. */
  constructor(now: () => number, wasInMemory: (sinceMs: number) => boolean) {
    this.#now = now;
    this.#wasInMemory = wasInMemory;
  }

  /** Cursors may be lost: the next subscriptions begin anew where they are. */
  forget(): void {
    this.#bases.clear();
  }

  /** Cursors are written: none is ahead of what the pages have taken. */
  committed(writes: Writes): void {
    for (const [topic, record] of writes.get('cursors') ?? []) {
      if (!record) {
        // Purged: the next subscription begins anew.
        for (const key of this.#bases.keys())
          if (key.startsWith(`${String(topic)}\n`)) this.#bases.delete(key);
        continue;
      }
      const [{ epoch, offset }] = record as readonly [Place];
      const key = `${String(topic)}\n${epoch}`;
      if (!this.#bases.has(key)) this.#bases.set(key, offset);
      const taken = Math.max(this.#seen.get(key) ?? 0, this.#bases.get(key)!);
      must(offset <= taken, 'cursors follow the pages', () => {
        return `the cursor of ${String(topic)} is at ${epoch} ${offset}, the pages at ${taken}`;
      });
    }
  }

  begin(follower: Follower, file: DatabaseFile | undefined): void {
    if (!follower.isStored) return;
    const record = file?.records('cursors').get(follower.topic) as readonly [Place] | undefined;
    this.#began.set(follower, { at: this.#now(), place: record?.[0] ?? null });
  }

  /** A message, or what a gap tells, reaches a page; `before` is where the subscription was. */
  take(follower: Follower, { epoch, offset }: Place, isGap: boolean): void {
    if (!follower.isStored) return;
    const key = `${follower.topic}\n${epoch}`;
    const seen = this.#seen.get(key) ?? 0;
    const began = this.#began.get(follower);
    if (began !== undefined) {
      this.#began.delete(follower);
      const { place, at } = began;
      const isHole = place?.epoch === epoch && !isGap && offset > Math.max(seen, place.offset) + 1;
      must(!isHole || this.#wasInMemory(at), 'no hole after the stored cursor', () => {
        return `${follower.who} of ${follower.topic} begins at ${epoch} ${offset}; seen up to ${seen}`;
      });
    }
    this.#seen.set(key, Math.max(seen, offset));
  }
}
