import type { Kernel } from '../kernel/kernel.ts';
import type { Random } from '../kernel/random.ts';
import * as simLimits from '../limits.ts';

/** Records by key; undefined stands for one that is deleted. */
export type Records = Map<IDBValidKey, unknown>;
/** What one transaction writes, by object store. */
export type Writes = ReadonlyMap<string, Records>;

/** What goes wrong with a transaction: an error, or no answer at all. */
export type DiskFault = 'QuotaExceededError' | 'UnknownError' | 'AbortError' | 'silence';

/** Hears of every transaction that takes effect; `writer` is the connection that it came from. */
export type CommitObserver = (writer: object, file: DatabaseFile, writes: Writes) => void;

/** One database as it is on the disk: what is written, and what of it would outlive a power loss. */
export class DatabaseFile {
  readonly name: string;
  readonly written = new Map<string, Records>();
  readonly #flushed = new Map<string, Records>();
  #unflushed: Writes[] = [];
  version = 0;

  constructor(name: string) {
    this.name = name;
  }

  /** The records of an object store, in no order. */
  records(store: string): Records {
    return this.written.get(store) ?? new Map();
  }

  commit(writes: Writes): void {
    apply(writes, this.written);
    this.#unflushed.push(writes);
  }

  /** Everything that is written so far will outlive a power loss. */
  flush(count = this.#unflushed.length): void {
    for (const writes of this.#unflushed.splice(0, count)) apply(writes, this.#flushed);
  }

  /** Gives what has not been flushed; it may be flushed by now. */
  get unflushed(): number {
    return this.#unflushed.length;
  }

  /** The power fails: of what was not flushed, the first `kept` transactions happen to be on the disk. */
  lose(kept: number): void {
    this.flush(kept);
    this.#unflushed = [];
    this.written.clear();
    for (const [store, records] of this.#flushed) this.written.set(store, new Map(records));
  }
}

function apply(writes: Writes, target: Map<string, Records>): void {
  for (const [store, changed] of writes) {
    let records = target.get(store);
    if (!records) target.set(store, (records = new Map()));
    for (const [key, value] of changed) {
      if (value === undefined) records.delete(key);
      else records.set(key, value);
    }
  }
}

/** The disk of one browser profile. */
export class Disk {
  readonly kernel: Kernel;
  readonly random: Random;
  readonly files = new Map<string, DatabaseFile>();
  /** Ends of transactions that wait for their turn, by database: one writes at a time. */
  readonly #lines = new Map<DatabaseFile, (() => void)[]>();
  /** Connections that are open, and how each hears that it was lost. */
  readonly connections = new Map<object, () => void>();
  /** What goes wrong with the next transaction, or the next opening. */
  fault: (what: 'transaction' | 'opening') => DiskFault | null = () => null;
  committed: CommitObserver = () => {};

  constructor(kernel: Kernel, random: Random) {
    this.kernel = kernel;
    this.random = random;
  }

  file(name: string): DatabaseFile {
    let file = this.files.get(name);
    if (!file) this.files.set(name, (file = new DatabaseFile(name)));
    return file;
  }

  /** What a step of the disk takes. */
  delayMs(): number {
    return this.random.between(simLimits.diskMsMin, simLimits.diskMsMax);
  }

  /** Calls `start` once all earlier transactions of the database have ended. Returns what ends this one. */
  enterLine(file: DatabaseFile, start: () => void): () => void {
    const line = this.#lines.get(file) ?? [];
    this.#lines.set(file, line);
    line.push(start);
    if (line.length === 1) start();
    return () => {
      const index = line.indexOf(start);
      if (index < 0) return;
      line.splice(index, 1);
      if (index === 0) line[0]?.();
    };
  }

  /** Makes a transaction last: at once where it is strict, some time later where it is relaxed. */
  commit(writer: object, file: DatabaseFile, writes: Writes, isStrict: boolean): void {
    this.committed(writer, file, writes);
    file.commit(writes);
    if (isStrict) return file.flush();
    const { unflushed } = file;
    this.kernel.schedule(this.random.next() * simLimits.flushMsMax, () =>
      file.flush(Math.min(unflushed, file.unflushed)),
    );
  }

  /** The power fails. */
  lose(): void {
    for (const file of this.files.values()) file.lose(this.random.int(0, file.unflushed));
    this.#lines.clear();
    this.connections.clear();
  }
}
