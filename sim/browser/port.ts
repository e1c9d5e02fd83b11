import type { Realm } from '../kernel/realm.ts';

/** An interface as the other side of a port sees it: every call is a message, and so is its answer. */
export type Distant<T> = {
  [K in keyof T]: T[K] extends (...args: infer A) => infer R ? (...args: A) => Promise<Awaited<R>> : never;
};

type Message =
  | { readonly kind: 'call'; readonly id: number; readonly method: string; readonly args: unknown[] }
  | { readonly kind: 'value' | 'error'; readonly id: number; readonly value: unknown };

/** One end of a port between two realms, in the place of Comlink over a MessagePort. */
export class SimPort<Theirs extends object> {
  readonly #realm: Realm;
  readonly #latency: () => number;
  readonly #calls = new Map<number, (message: Message) => void>();
  #api: object | null = null;
  /** What came before anybody served the port. */
  #early: Message[] = [];
  #other: SimPort<object> | null = null;
  #isClosed = false;
  #count = 0;
  /** When the newest message arrives at the other side: none overtakes another. */
  #lastAt = 0;

  constructor(realm: Realm, latency: () => number) {
    this.#realm = realm;
    this.#latency = latency;
  }

  /** Joins two ends. */
  static join(left: SimPort<object>, right: SimPort<object>): void {
    left.#other = right;
    right.#other = left;
  }

  /** The other side's interface. A call to a side that has died or closed never settles. */
  readonly remote: Distant<Theirs> = new Proxy(
    {},
    {
      // Not a promise, though a promise may be resolved with it.
      get: (_, method) =>
        method === 'then' ? undefined : (...args: unknown[]) => this.#call(String(method), args),
    },
  ) as Distant<Theirs>;

  /** Offers this side's interface. */
  serve(api: object): void {
    this.#api = api;
    for (const message of this.#early.splice(0)) this.#take(message);
  }

  /** Nothing is heard any more. What was posted before still arrives at the other side. */
  close(): void {
    this.#isClosed = true;
    this.#calls.clear();
  }

  #call(method: string, args: unknown[]): Promise<never> {
    return new Promise((resolve, reject) => {
      const id = (this.#count += 1);
      this.#calls.set(id, (message) => {
        if (message.kind === 'value') resolve(message.value as never);
        else reject(message.kind === 'error' ? message.value : message);
      });
      this.#post({ kind: 'call', id, method, args });
    });
  }

  #post(message: Message): void {
    const other = this.#other;
    if (this.#isClosed || !other || !this.#realm.emits()) return;
    const { kernel } = this.#realm;
    this.#lastAt = Math.max(this.#lastAt, kernel.now + this.#latency());
    const cloned = clone(message);
    other.#realm.after(this.#lastAt - kernel.now, () => other.#take(cloned));
  }

  #take(message: Message): void {
    if (this.#isClosed) return;
    if (message.kind !== 'call') {
      const settle = this.#calls.get(message.id);
      this.#calls.delete(message.id);
      settle?.(message);
    } else if (this.#api) void this.#answer(this.#api, message);
    else this.#early.push(message);
  }

  async #answer(api: object, { id, method, args }: Extract<Message, { kind: 'call' }>): Promise<void> {
    try {
      const value = await (api as Record<string, (...args: unknown[]) => unknown>)[method]!(...args);
      this.#post({ kind: 'value', id, value });
    } catch (error) {
      this.#post({ kind: 'error', id, value: error });
    }
  }
}

/** A structured clone of plain data: the real one costs more than all the rest of a message. */
export function clone<T>(value: T): T {
  if (typeof value !== 'object' || value === null) {
    if (typeof value === 'function' || typeof value === 'symbol') throw new TypeError('DataCloneError');
    return value;
  }
  if (Array.isArray(value)) return value.map(clone) as T;
  if (value instanceof ArrayBuffer) return value.slice(0) as T;
  // Neither can be changed by anybody.
  if (value instanceof Error || value instanceof Blob) return value;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return structuredClone(value);
  const result: Record<string, unknown> = {};
  for (const key of Object.keys(value)) result[key] = clone((value as Record<string, unknown>)[key]);
  return result as T;
}
