import type { ConnectionErrorCode } from '../../src/protocol/errors.ts';
import type { HandledPublish } from '../server/sim-backbone.ts';
import * as simLimits from '../limits.ts';
import { faultOfPublication, type Content } from '../workload/content.ts';
import { must } from './violation.ts';

/** One entry that a page published, and everything that is known of it. */
export interface Publication {
  readonly id: string;
  readonly page: string;
  /** Counts up per page. */
  readonly n: number;
  readonly topic: string;
  readonly isVolatile: boolean;
  readonly content: Content | null;
  /** Whether the server's hook is asked to refuse it. */
  readonly isUnwanted: boolean;
  readonly at: number;
  storedAt: number | null;
  /** Whether its hub had it in memory alone when it said that it is stored. */
  isInMemory: boolean;
  isAcked: boolean;
  failedWith: ConnectionErrorCode | null;
  isCancelled: boolean;
  /** In how many memories of the server it was handled, and in which last. */
  handled: number;
  handledIn: number;
}

/** Ends that the entry's page can be told, after which it is with nobody. */
const finalCodes: ReadonlySet<ConnectionErrorCode> = new Set<ConnectionErrorCode>([
  'expired',
  'superseded',
  'cancelled',
  'purged',
  'queue-full',
  'rejected',
  'forbidden',
  'too-large',
  'not-open',
]);

/** Of these the promise is that the server never has the entry. */
const unsentCodes: ReadonlySet<ConnectionErrorCode> = new Set<ConnectionErrorCode>([
  'expired',
  'superseded',
  'cancelled',
  'queue-full',
  'rejected',
]);

/** What was published, told and handled: once in effect, in order, and nothing that was stored is lost. */
export class Ledger {
  readonly #now: () => number;
  readonly #isStrict: boolean;
  readonly #entries = new Map<string, Publication>();
  /** The last number handled, by page and topic, in this memory of the server. */
  readonly #last = new Map<string, Publication>();
  #memories = 0;
  /** When a status last said that the outbox is in memory, and when it first did not any more. */
  #memorySince: number | null = null;
  readonly #inMemory: [from: number, to: number][] = [];
  readonly #powerLosses: number[] = [];
  #purgedAt = -Infinity;

  constructor(now: () => number, isStrict: boolean) {
    this.#now = now;
    this.#isStrict = isStrict;
  }

  get entries(): Iterable<Publication> {
    return this.#entries.values();
  }

  find(id: string): Publication | undefined {
    return this.#entries.get(id);
  }

  /** A server begins with an empty memory. */
  began(): void {
    this.#memories += 1;
    this.#last.clear();
  }

  add(
    what: Pick<Publication, 'id' | 'page' | 'n' | 'topic' | 'isVolatile' | 'content' | 'isUnwanted'>,
  ): Publication {
    const fates = {
      storedAt: null,
      isInMemory: false,
      isAcked: false,
      failedWith: null,
      isCancelled: false,
      handled: 0,
      handledIn: 0,
    };
    const entry: Publication = { ...what, at: this.#now(), ...fates };
    this.#entries.set(what.id, entry);
    return entry;
  }

  handled({ publication, result }: HandledPublish): void {
    if (result.kind !== 'published') return;
    const entry = this.#entries.get(publication.id);
    must(entry !== undefined, 'nothing is made up', () => `${publication.id} was never published`);
    const { id, n, page, topic, handledIn } = entry!;
    must(topic === publication.topic, 'nothing is made up', () => `${id} was for ${topic}`);
    this.#seen(entry!, publication.payload);
    must(handledIn !== this.#memories, 'once in effect', () => `${id} (${page} ${n}) was handled twice`);
    entry!.handled += 1;
    entry!.handledIn = this.#memories;
    // What a hub without its store has purged or dropped comes back with the store.
    if (entry!.isVolatile || (entry!.failedWith !== null && this.#mayBeLost(entry!))) return;
    // An outbox that could not be stored has another client id at the next hub, and its order ends there.
    const key = `${page} ${topic} ${publication.client?.key}`;
    const last = this.#last.get(key);
    must(
      !last || last.n < n,
      'in order',
      () => `${id} (${key} ${n}) was handled after ${last!.id} (${last!.n})`,
    );
    this.#last.set(key, entry!);
  }

  /** The server has the content of an entry, when it looks at it and when it keeps it. */
  reviewed(id: string, payload: HandledPublish['publication']['payload']): void {
    const entry = this.#entries.get(id);
    if (entry) this.#seen(entry, payload);
  }

  stored(entry: Publication, isInMemory: boolean): void {
    entry.storedAt = this.#now();
    entry.isInMemory = isInMemory;
  }

  acked(entry: Publication): void {
    entry.isAcked = true;
    must(entry.handled > 0, 'acked implies handled', () => `${describe(entry)} was never handled`);
  }

  failed(entry: Publication, code: ConnectionErrorCode): void {
    entry.failedWith = code;
    must(code !== 'rejected' || entry.isUnwanted, 'only what is unwanted is refused', () => describe(entry));
    // A hub that cannot read the store does not know the entry; the next that can sends it.
    const isUnknown = this.#isMemoryAt(this.#now(), this.#now());
    const isLost = code === 'hub-lost' && entry.storedAt !== null && !isUnknown && !this.#mayBeLost(entry);
    must(!isLost, 'stored is stored', () => `${describe(entry)} was stored, and is lost`);
  }

  /** An entry that may have reached its end without a word to its page has been asked after. */
  needsInquest(entry: Publication): boolean {
    if (entry.storedAt === null || entry.handled > 0 || this.#mayBeLost(entry)) return false;
    return entry.failedWith === null || !finalCodes.has(entry.failedWith);
  }

  /** The outbox has said what became of a stored entry; null: it has been acknowledged. */
  judged(entry: Publication, code: ConnectionErrorCode | null): void {
    const isTold = code !== null && finalCodes.has(code);
    must(
      isTold || entry.handled > 0,
      'stored implies handled',
      () => `${describe(entry)}: the outbox says ${code}`,
    );
  }

  status(durability: string): void {
    if (durability === 'memory') this.#memorySince ??= this.#now();
    else if (this.#memorySince !== null) {
      this.#inMemory.push([this.#memorySince, this.#now()]);
      this.#memorySince = null;
    }
  }

  powerLost(): void {
    this.#powerLosses.push(this.#now());
  }

  purged(): void {
    this.#purgedAt = this.#now();
  }

  /** Whether the outbox was in memory at any time since, or what it held was purged. */
  wasInMemory(sinceMs: number): boolean {
    return this.#purgedAt >= sinceMs - simLimits.statusGraceMs || this.#isMemoryAt(sinceMs, this.#now());
  }

  /** What can only be said once nothing happens any more. */
  finish(): void {
    for (const entry of this.#entries.values()) {
      const isUnsent = entry.isCancelled || (entry.failedWith !== null && unsentCodes.has(entry.failedWith));
      const isBroken = isUnsent && entry.handled > 0 && this.#memories === 1 && !this.#mayBeLost(entry);
      must(!isBroken, 'failed implies not handled', () => `${describe(entry)} was handled`);
    }
  }

  #seen(entry: Publication, payload: HandledPublish['publication']['payload']): void {
    if (!entry.content) return;
    const fault = faultOfPublication(entry.content, payload);
    must(fault === null, 'contents arrive whole', () => `${describe(entry)} came as ${fault}`);
  }

  /** Whether the library promised nothing: an outbox in memory, a purge, or a power loss that was accepted. */
  #mayBeLost({ isVolatile, isInMemory, at }: Publication): boolean {
    if (isVolatile || isInMemory || at <= this.#purgedAt) return true;
    // What a hub without a store does to an entry of before, such as to drop it for a newer one, the next cannot know.
    if (this.#isMemoryAt(at, this.#now())) return true;
    // With relaxed durability a power loss may bring an entry back that had failed, behind what the server has by then.
    return !this.#isStrict && this.#powerLosses.some((lost) => lost >= at);
  }

  /** Whether the outbox was said to be in memory at any moment between these. */
  #isMemoryAt(begin: number, end: number): boolean {
    const grace = simLimits.statusGraceMs;
    const intervals = [...this.#inMemory, [this.#memorySince ?? Infinity, Infinity] as const];
    return intervals.some(([from, to]) => from - grace <= end && begin <= to + grace);
  }
}

const describe = ({ id, page, n, topic, failedWith }: Publication) =>
  `${id} (${page} ${n} to ${topic}${failedWith ? `, failed with ${failedWith}` : ''})`;
