import type { Endpoint } from 'comlink';

/** An interface as the other side sees it: every call is a message, and so is its answer. */
export type Distant<T> = {
  [K in keyof T]: T[K] extends (...args: infer A) => infer R ? (...args: A) => Promise<Awaited<R>> : never;
};

/** What goes between two sides. */
export type CallMessage =
  | { readonly kind: 'call'; readonly id: number; readonly method: string; readonly args: unknown[] }
  | { readonly kind: 'value' | 'error'; readonly id: number; readonly value: unknown };

/** Calls and their answers, in the place of Comlink, over whatever carries messages. */
export class Calls<Theirs extends object> {
  readonly #post: (message: CallMessage) => void;
  readonly #calls = new Map<number, (message: CallMessage) => void>();
  #api: object | null = null;
  /** What came before anybody served. */
  #early: CallMessage[] = [];
  /** No two calls have one id, as with Comlink: what answers a call of an earlier end of a channel is for nobody. */
  static #count = 0;

  constructor(post: (message: CallMessage) => void) {
    this.#post = post;
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
    for (const message of this.#early.splice(0)) this.take(message);
  }

  /** A message has come. */
  take(message: CallMessage): void {
    if (message.kind !== 'call') {
      const settle = this.#calls.get(message.id);
      this.#calls.delete(message.id);
      settle?.(message);
    } else if (this.#api) void this.#answer(this.#api, message);
    else this.#early.push(message);
  }

  /** No answer will come any more. */
  forget(): void {
    this.#calls.clear();
  }

  #call(method: string, args: unknown[]): Promise<never> {
    return new Promise((resolve, reject) => {
      const id = (Calls.#count += 1);
      this.#calls.set(id, (message) => {
        if (message.kind === 'value') resolve(message.value as never);
        else reject(message.kind === 'error' ? message.value : message);
      });
      this.#post({ kind: 'call', id, method, args });
    });
  }

  async #answer(api: object, { id, method, args }: Extract<CallMessage, { kind: 'call' }>): Promise<void> {
    try {
      const value = await (api as Record<string, (...args: unknown[]) => unknown>)[method]!(...args);
      this.#post({ kind: 'value', id, value });
    } catch (error) {
      this.#post({ kind: 'error', id, value: error });
    }
  }
}

/** Calls over one end of a channel. */
export function callsOver<Theirs extends object>(endpoint: Endpoint): Calls<Theirs> {
  const calls = new Calls<Theirs>((message) => endpoint.postMessage(message));
  endpoint.addEventListener('message', (event) => calls.take((event as MessageEvent<CallMessage>).data));
  return calls;
}
