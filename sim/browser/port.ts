import type { Realm } from '../kernel/realm.ts';
import { Calls, type CallMessage, type Distant } from './calls.ts';

/** One end of a port between two realms, in the place of Comlink over a MessagePort. */
export class SimPort<Theirs extends object> {
  readonly #realm: Realm;
  readonly #latency: () => number;
  readonly #calls = new Calls<Theirs>((message) => this.#post(message));
  #other: SimPort<object> | null = null;
  #isClosed = false;
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
  get remote(): Distant<Theirs> {
    return this.#calls.remote;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Offers this side's interface. */
  serve(api: object): void {
    this.#calls.serve(api);
  }

  /** Nothing is heard any more. What was posted before still arrives at the other side. */
  close(): void {
    this.#isClosed = true;
    this.#calls.forget();
  }

  #post(message: CallMessage): void {
    const other = this.#other;
    if (this.#isClosed || !other || !this.#realm.emits()) return;
    const { kernel } = this.#realm;
    this.#lastAt = Math.max(this.#lastAt, kernel.now + this.#latency());
    const cloned = clone(message);
    other.#realm.receive(this.#realm, this.#lastAt, other, () => other.#take(cloned));
  }

  #take(message: CallMessage): void {
    if (!this.#isClosed) this.#calls.take(message);
  }
}

/** A structured clone of plain data: the real one costs more than all the rest of a message. */
export function clone<T>(value: T): T {
  if (typeof value !== 'object' || value === null) {
    if (typeof value === 'function' || typeof value === 'symbol')
      throw new DOMException('cannot be cloned', 'DataCloneError');
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
