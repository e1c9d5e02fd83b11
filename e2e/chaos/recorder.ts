import { entryName, type Damage, type PageEvent, type PageReport, type Story, type View } from './story.ts';

/** Everything that pages told the runner. What has arrived here counts as told, whatever became of the page. */
export class Recorder {
  readonly stories = new Map<string, Story>();
  readonly #views = new Map<string, View>();
  readonly #producers = new Set<string>();
  readonly #lastStatus = new Map<string, string>();
  readonly #now: () => number;
  stored = 0;
  storedInMemory = 0;
  acked = 0;
  /** Entries by which the outbox, as any page saw it, has grown shorter: also those of pages that are gone. */
  left = 0;
  #inQueue = 0;
  /** Large messages that subscribers have read and compared. */
  checked = 0;
  readonly damages: Damage[] = [];
  readonly failures: Record<string, number> = {};
  readonly gaps: Record<string, number> = {};

  /** @param now - Milliseconds since the start of the run. */
  constructor(now: () => number) {
    this.#now = now;
  }

  get views(): Iterable<View> {
    return this.#views.values();
  }

  #queued(entries: number): void {
    this.left += Math.max(0, this.#inQueue - entries);
    this.#inQueue = entries;
  }

  /** Page loads that ever told anything. */
  get pages(): number {
    return this.#producers.size;
  }

  /** What each page said of its status last. */
  statuses(): string[] {
    return [...this.#lastStatus].map(([producer, text]) => `${producer} at ${text}`);
  }

  /** Takes what a page told. */
  take(text: string): void {
    const { producer, events } = JSON.parse(text) as PageReport;
    this.#producers.add(producer);
    for (const event of events) this.#takeEvent(producer, event);
  }

  #takeEvent(producer: string, event: PageEvent): void {
    switch (event[0]) {
      case 'published': {
        const [, n, topic, large] = event;
        const publishedAt = this.#now();
        this.stories.set(entryName(producer, n), {
          producer,
          n,
          topic,
          publishedAt,
          ...(large && { large }),
        });
        return;
      }
      case 'seen':
      case 'gap': {
        const [kind, topic, epoch, offset, text] = event;
        if (kind === 'gap') this.gaps[text] = (this.gaps[text] ?? 0) + 1;
        this.#view(producer, topic).sights.push({
          kind: kind === 'seen' ? 'message' : kind,
          epoch,
          offset,
          text,
        });
        return;
      }
      case 'checked': {
        const [, topic, offset, entry, problem] = event;
        this.checked += 1;
        if (problem !== null) this.damages.push({ producer, topic, offset, entry, problem });
        return;
      }
      case 'began':
        this.#view(producer, event[1]).beganWith = event[2];
        return;
      case 'status':
        if (event[2] !== null) this.#queued(event[2]);
        return void this.#lastStatus.set(producer, `${Math.round(this.#now())} ms: ${event[1]}`);
      case 'stored':
      case 'acked':
      case 'failed':
        return this.#fate(producer, event);
      default:
        return event satisfies never;
    }
  }

  #fate(
    producer: string,
    event: Extract<PageEvent, readonly ['stored' | 'acked' | 'failed', ...unknown[]]>,
  ): void {
    // A page tells of the publish first, over the same channel.
    const story = this.stories.get(entryName(producer, event[1]))!;
    const at = this.#now();
    switch (event[0]) {
      case 'stored':
        story.storedAt = at;
        story.durability = event[2];
        if (event[2] === 'memory') this.storedInMemory += 1;
        else this.stored += 1;
        return;
      case 'acked':
        story.ackedAt = at;
        this.acked += 1;
        return;
      case 'failed': {
        const [, , promise, code] = event;
        story.failed ??= { at, promise, code };
        this.failures[code] = (this.failures[code] ?? 0) + 1;
        return;
      }
      default:
        return event satisfies never;
    }
  }

  #view(producer: string, topic: string): View {
    const key = `${producer} ${topic}`;
    const known = this.#views.get(key);
    if (known) return known;
    const view: View = { producer, topic, sights: [], beganWith: null };
    this.#views.set(key, view);
    return view;
  }
}
