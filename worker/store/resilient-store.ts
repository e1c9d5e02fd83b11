import { errorData, type ErrorData } from '../../src/protocol/errors.ts';
import type { Clock } from '../clock.ts';
import type { StoreChange, StoredOutbox } from '../core/store-types.ts';
import { randomId } from '../random-id.ts';
import type { OutboxStore, StoreOpening } from '../outbox-store.ts';
import { ChangeSet } from './change-set.ts';
import type { IndexedDbLog } from './indexed-db-log.ts';
import { reasonOf } from './storage-error.ts';
import { newOutbox } from './new-outbox.ts';
import * as storeLimits from './limits.ts';

/** A log whose methods reject with what went wrong: {@link IndexedDbLog}. */
type FallibleLog = Pick<IndexedDbLog, 'open' | 'write' | 'close'>;

/** Makes the log, with the client id for an outbox that is new. */
type MakeLog = (clientId: string, durability: StoreOpening['durability']) => FallibleLog;

const nothing = new ChangeSet().merged();

/**
 * Writes changes to a log, one transaction at a time: what comes meanwhile goes into the next one. While the log
 * fails, changes settle at once and are kept, merged, until writing works again.
 */
export class ResilientStore implements OutboxStore {
  readonly #makeLog: MakeLog;
  readonly #clock: Pick<Clock, 'after'>;
  #log!: FallibleLog;
  #opening!: StoreOpening;
  #opened: Promise<unknown> | undefined;
  /** All that a later hub has to know, for a database that is deleted under this one. */
  #live = new ChangeSet();
  #backlog = new ChangeSet();
  #settlers: (() => void)[] = [];
  /** Settles with the newest change that did not settle at once. */
  #newest = Promise.resolve();
  /** Whether the backlog has anything, and whether that has to be written at once. */
  #work: 'none' | 'lazy' | 'due' = 'none';
  #writing: Promise<void> | null = null;
  #cancelTimer = () => {};
  /** Why the outbox is in memory; null while it is stored. */
  #trouble: ErrorData | null = null;
  #damage: ErrorData | null = null;
  #hasOpened = false;
  /** Whether nothing that is tried again can work while this hub lives. */
  #isHopeless = false;
  /** Whether another outbox is in the database, which this hub stands in the way of. */
  #isLate = false;
  #isRetrySoon = false;
  #hasEnded = false;

  constructor(makeLog: MakeLog, clock: Pick<Clock, 'after'>) {
    this.#makeLog = makeLog;
    this.#clock = clock;
  }

  open(opening: StoreOpening): Promise<StoredOutbox> {
    const opened = this.#open(opening);
    this.#opened = opened;
    return opened;
  }

  commit(change: StoreChange): Promise<void> {
    if (this.#hasEnded) return new Promise(() => {});
    if (this.#isHopeless) return this.#newest;
    this.#live.add(change);
    this.#live.forgetRemoved();
    if (this.#isLate) return this.#newest;
    this.#backlog.add(change);
    const { entries, held, heldRemoved, tabSeqs, removed, failures, purge, owner, acked } = change;
    const lists = [entries, held, heldRemoved, tabSeqs, removed, failures];
    const isDue = lists.some((list) => list.length > 0) || purge || owner !== null;
    const wasIdle = this.#work === 'none';
    if (isDue) this.#work = 'due';
    else if (wasIdle) this.#work = 'lazy';
    if (this.#trouble) {
      if (acked !== null || removed.length > 0 || heldRemoved.length > 0 || purge) this.#retrySoon();
    } else if (isDue) {
      this.#newest = new Promise((resolve) => this.#settlers.push(resolve));
      this.#wake();
    } else if (wasIdle && !this.#writing) {
      this.#wakeAfter(storeLimits.lazyMs);
    }
    return this.#newest;
  }

  async close(): Promise<void> {
    await this.#opened;
    await this.#writing;
    if (!this.#hasEnded && !this.#isHopeless && !this.#isLate && this.#work !== 'none') {
      this.#wake();
      await this.#writing;
    }
    this.#end();
  }

  async #open(opening: StoreOpening): Promise<StoredOutbox> {
    this.#opening = opening;
    let stored = newOutbox(randomId());
    this.#log = this.#makeLog(stored.clientId, opening.durability);
    try {
      const opened = await this.#log.open();
      stored = opened.stored;
      this.#hasOpened = true;
      if (opened.damaged > 0) {
        this.#damage = errorData('storage-failed', `${opened.damaged} damaged records were put aside`);
        this.#tellHealth();
      }
    } catch (error) {
      this.#fail(error);
    }
    this.#live.add({ ...nothing, ...stored });
    this.#rest();
    return stored;
  }

  #wake(): void {
    this.#writing ??= this.#writeAll();
  }

  #wakeAfter(delayMs: number): void {
    this.#cancelTimer();
    this.#cancelTimer = this.#clock.after(delayMs, () => this.#wake());
  }

  /** Sees to it that what is left to do is done later. */
  #rest(): void {
    if (this.#hasEnded || this.#isHopeless || this.#isLate) return;
    if (this.#trouble) this.#wakeAfter(this.#isRetrySoon ? storeLimits.retrySoonMs : storeLimits.retryMs);
    else if (this.#work !== 'none') this.#wakeAfter(storeLimits.lazyMs);
  }

  #retrySoon(): void {
    if (this.#isRetrySoon) return;
    this.#isRetrySoon = true;
    if (!this.#writing) this.#wakeAfter(storeLimits.retrySoonMs);
  }

  async #writeAll(): Promise<void> {
    this.#cancelTimer();
    this.#isRetrySoon = false;
    do await this.#writeBacklog();
    while (this.#work === 'due' && !this.#trouble && !this.#hasEnded);
    this.#writing = null;
    this.#rest();
  }

  async #writeBacklog(): Promise<void> {
    const change = this.#backlog.merged();
    const settlers = this.#settlers;
    this.#backlog = new ChangeSet();
    this.#settlers = [];
    this.#work = 'none';
    try {
      // What frees space goes ahead alone: on a full disk the rest fails, and would take it along.
      if (this.#trouble && this.#hasOpened && (change.purge || change.acked !== null)) {
        await this.#write({ ...nothing, purge: change.purge, acked: change.acked }, true);
      }
      const result = await this.#write(change);
      if (result === 'fenced') return this.#fence();
      if (this.#trouble) {
        this.#trouble = null;
        this.#hasOpened = true;
        this.#tellHealth();
      }
      for (const settle of settlers) settle();
    } catch (error) {
      const newer = this.#backlog.merged();
      this.#backlog = new ChangeSet();
      this.#backlog.add(change);
      this.#backlog.add(newer);
      this.#work = 'due';
      this.#fail(error);
      for (const settle of [...settlers, ...this.#settlers]) settle();
      this.#settlers = [];
    }
  }

  #write(change: StoreChange, freesOnly = false): Promise<'written' | 'fenced'> {
    return this.#log.write(change, () => this.#live.merged(), freesOnly);
  }

  #fail(error: unknown): void {
    const before = this.#trouble?.message;
    const { message, isFinal, retryable } = reasonOf(error);
    this.#trouble = errorData('storage-failed', message, { retryable });
    if (isFinal) this.#giveUp();
    if (message !== before) this.#tellHealth();
  }

  #fence(): void {
    if (this.#hasOpened) {
      this.#end();
      return this.#opening.onFenced();
    }
    // This hub began an outbox of its own because the database was late, and must not mix the two. What the database
    // holds waits for a hub that begins with it: this one makes room as soon as it has nothing of its own to lose.
    this.#trouble = errorData(
      'storage-failed',
      'the database answered only after this outbox had begun without it',
      { retryable: true },
    );
    this.#isLate = true;
    this.#log.close();
    this.#tellHealth();
    this.#makeRoom();
  }

  #makeRoom(): void {
    this.#cancelTimer = this.#clock.after(storeLimits.retrySoonMs, () => {
      if (!this.#live.hasNoEntries) return this.#makeRoom();
      this.#end();
      this.#opening.onFenced();
    });
  }

  #giveUp(): void {
    this.#isHopeless = true;
    this.#live = new ChangeSet();
    this.#backlog = new ChangeSet();
    this.#log.close();
  }

  #end(): void {
    this.#hasEnded = true;
    this.#cancelTimer();
    this.#log?.close();
  }

  #tellHealth(): void {
    const durability = this.#trouble ? 'memory' : this.#opening.durability;
    this.#opening.onHealth({ durability, error: this.#trouble ?? this.#damage });
  }
}
