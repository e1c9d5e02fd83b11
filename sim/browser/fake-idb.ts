import { Realm } from '../kernel/realm.ts';
import { clone } from './port.ts';
import type { DatabaseFile, Disk, DiskFault, Records, Writes } from './disk.ts';

/**
 * What worker/store uses of the package `idb`, over a simulated disk: sim/run.mjs puts this module in its place, so that
 * the real store runs unchanged. Whose disk it is depends on which realm asks.
 */
const disks = new WeakMap<Realm, Disk>();

/** Gives a realm its disk. */
export const mountDisk = (realm: Realm, disk: Disk): void => void disks.set(realm, disk);

interface Hooks {
  upgrade?(db: unknown, oldVersion: number): void;
  blocking?(): void;
  terminated?(): void;
}

/** Stands for IDBKeyRange, which Node does not have. */
export class KeyRange {
  readonly #includes: (key: IDBValidKey) => boolean;

  constructor(includes: (key: IDBValidKey) => boolean) {
    this.#includes = includes;
  }

  includes(key: IDBValidKey): boolean {
    return this.#includes(key);
  }

  static only(value: IDBValidKey): KeyRange {
    return new KeyRange((key) => key === value);
  }

  static lowerBound(lower: IDBValidKey, isOpen = false): KeyRange {
    return new KeyRange((key) => key > lower || (!isOpen && key === lower));
  }

  static upperBound(upper: IDBValidKey, isOpen = false): KeyRange {
    return new KeyRange((key) => key < upper || (!isOpen && key === upper));
  }

  static bound(lower: IDBValidKey, upper: IDBValidKey, isLowerOpen = false, isUpperOpen = false): KeyRange {
    const [from, to] = [KeyRange.lowerBound(lower, isLowerOpen), KeyRange.upperBound(upper, isUpperOpen)];
    return new KeyRange((key) => from.includes(key) && to.includes(key));
  }
}

type Query = IDBValidKey | KeyRange | null | undefined;

const matches = (query: Query, key: IDBValidKey) =>
  query === undefined || query === null || (query instanceof KeyRange ? query.includes(key) : query === key);

const failureOf = (name: string) => new DOMException(`the disk says ${name}`, name);

/** `openDB` of idb. */
export function openDB(name: string, version: number, hooks: Hooks = {}): Promise<SimDatabase> {
  const realm = Realm.current!;
  const disk = disks.get(realm)!;
  return new Promise((resolve, reject) => {
    if (!realm.emits()) return;
    const fault = disk.fault('opening');
    if (fault === 'silence') return;
    realm.after(disk.delayMs(), () => {
      if (fault) return reject(failureOf(fault));
      const file = disk.file(name);
      const db = new SimDatabase(realm, disk, file);
      if (file.version < version) hooks.upgrade?.(db, file.version);
      file.version = Math.max(file.version, version);
      disk.connections.set(db, () => realm.enter(() => hooks.terminated?.()));
      realm.onDeath(() => disk.connections.delete(db));
      resolve(db);
    });
  });
}

/** Not used by a store that never deletes its database. */
export const deleteDB = (name: string): void => void disks.get(Realm.current!)?.files.delete(name);

/** An open database. */
export class SimDatabase {
  readonly realm: Realm;
  readonly disk: Disk;
  readonly file: DatabaseFile;
  #isClosed = false;

  constructor(realm: Realm, disk: Disk, file: DatabaseFile) {
    this.realm = realm;
    this.disk = disk;
    this.file = file;
  }

  createObjectStore(name: string): void {
    this.file.written.set(name, new Map());
  }

  /** The disk forgets this connection, and says so. */
  lose(): void {
    this.#isClosed = true;
    this.disk.connections.get(this)?.();
    this.disk.connections.delete(this);
  }

  close(): void {
    this.#isClosed = true;
    this.disk.connections.delete(this);
  }

  transaction(
    _stores: readonly string[],
    _mode: string,
    { durability }: { readonly durability?: string } = {},
  ): SimTransaction {
    if (this.#isClosed) throw failureOf('InvalidStateError');
    return new SimTransaction(this, durability === 'strict');
  }
}

/** A transaction: it waits for those before it, sees what it has written itself, and takes effect as a whole or not. */
export class SimTransaction {
  readonly #db: SimDatabase;
  readonly #isStrict: boolean;
  readonly #writes = new Map<string, Records>();
  readonly #waiting: (() => void)[] = [];
  readonly #fault: DiskFault | null;
  readonly #leave: () => void;
  readonly done: Promise<void>;
  #settle!: (error: DOMException | null) => void;
  #state: 'waiting' | 'active' | 'committing' | 'over' = 'waiting';
  error: DOMException | null = null;

  constructor(db: SimDatabase, isStrict: boolean) {
    const { disk, file, realm } = db;
    this.#db = db;
    this.#isStrict = isStrict;
    this.#fault = disk.fault('transaction');
    this.done = new Promise((resolve, reject) => {
      this.#settle = (error) => (error ? reject(error) : resolve());
    });
    this.#leave = disk.enterLine(file, () =>
      realm.after(disk.delayMs(), () => {
        if (this.#state === 'waiting') this.#state = 'active';
        for (const run of this.#waiting.splice(0)) run();
      }),
    );
    realm.onDeath(() => {
      if (this.#state !== 'committing') this.#end();
    });
  }

  objectStore(name: string) {
    const read = <T>(work: (records: Records) => T): Promise<T> =>
      new Promise((resolve, reject) => {
        if (this.#state === 'over' || this.#state === 'committing') {
          return reject(failureOf('TransactionInactiveError'));
        }
        const answer = () => {
          if (this.#state === 'over') reject(this.error ?? failureOf('AbortError'));
          else resolve(work(this.#view(name)));
        };
        if (this.#state === 'waiting') this.#waiting.push(answer);
        else this.#db.realm.after(this.#db.disk.delayMs() / 4, answer);
      });
    const write = async (key: IDBValidKey, value: unknown): Promise<IDBValidKey> => {
      if (this.#state === 'over' || this.#state === 'committing') throw failureOf('TransactionInactiveError');
      const changed = this.#writes.get(name) ?? new Map<IDBValidKey, unknown>();
      this.#writes.set(name, changed);
      changed.set(key, value === undefined ? undefined : clone(value));
      return key;
    };
    const select = (records: Records, query: Query) =>
      [...records].filter(([key]) => matches(query, key)).sort(([a], [b]) => (a < b ? -1 : 1));
    return {
      get: (query: Query) => read((records) => clone(select(records, query)[0]?.[1])),
      getKey: (query: Query) => read((records) => select(records, query)[0]?.[0]),
      getAll: (query?: Query, count = Infinity) =>
        read((records) =>
          select(records, query)
            .slice(0, count)
            .map(([, value]) => clone(value)),
        ),
      getAllKeys: (query?: Query, count = Infinity) =>
        read((records) =>
          select(records, query)
            .slice(0, count)
            .map(([key]) => key),
        ),
      count: (query?: Query) => read((records) => select(records, query).length),
      put: (value: unknown, key: IDBValidKey) => write(key, value),
      add: (value: unknown, key: IDBValidKey = this.#view(name).size + 1) => write(key, value),
      delete: async (query: IDBValidKey | KeyRange) => {
        for (const key of this.#view(name).keys()) if (matches(query, key)) void write(key, undefined);
      },
      clear: async () => {
        for (const key of this.#view(name).keys()) void write(key, undefined);
      },
    };
  }

  commit(): void {
    if (this.#state === 'over' || this.#state === 'committing') throw failureOf('InvalidStateError');
    const { disk, file, realm } = this.#db;
    if (!realm.emits()) return;
    const isWaiting = this.#state === 'waiting';
    this.#state = 'committing';
    const take = () => {
      if (this.#fault === 'silence') return this.#end();
      // Once the browser was told to commit, it does, whatever becomes of the page.
      disk.kernel.schedule(disk.delayMs(), () => {
        if (!this.#fault) disk.commit(this.#db, file, this.#writes, this.#isStrict);
        this.#end();
        realm.after(0, () => {
          if (this.#fault) this.error = failureOf(this.#fault);
          this.#settle(this.error);
        });
      });
    };
    if (isWaiting) this.#waiting.push(take);
    else take();
  }

  abort(): void {
    if (this.#state === 'over' || this.#state === 'committing') throw failureOf('InvalidStateError');
    this.error ??= failureOf('AbortError');
    this.#end();
    this.#settle(this.error);
  }

  #end(): void {
    this.#state = 'over';
    this.#leave();
  }

  /** The records as this transaction sees them. */
  #view(name: string): Records {
    const changed = (this.#writes as Writes).get(name);
    const records = this.#db.file.records(name);
    if (!changed) return records;
    const view = new Map(records);
    for (const [key, value] of changed) {
      if (value === undefined) view.delete(key);
      else view.set(key, value);
    }
    return view;
  }
}
