import type { TabOp } from '../worker/core/hub-api.ts';
import { LazyPromise } from './deferred.ts';
import { failure } from './failure.ts';
import { onAbort } from './on-abort.ts';
import type { ConnectionError } from './protocol/errors.ts';
import { report } from './report.ts';
import type { PublishOptions } from './types.ts';

/** What a tab tells its hub of an entry. */
export type PublishOp = Extract<TabOp, { kind: 'publish' }>;

/** An entry of this tab that has no fate yet. */
export class PendingEntry {
  readonly op: PublishOp;
  readonly stored = new LazyPromise();
  readonly acked = new LazyPromise();
  readonly #options: PublishOptions;
  #unabort = () => {};

  constructor(op: PublishOp, options: PublishOptions) {
    this.op = op;
    this.#options = options;
  }

  /** The server has it. */
  settle(): void {
    this.#unabort();
    this.stored.settle(true);
    this.acked.settle(true);
  }

  /** It ends without having reached the server. Gives the error that the app is told. */
  fail(error: ConnectionError): ConnectionError {
    this.#unabort();
    const { signal } = this.#options;
    const isAborted = error.code === 'cancelled' && signal?.aborted;
    const told = isAborted ? failure('aborted', 'aborted', signal.reason) : error;
    this.stored.settle(told);
    this.acked.settle(told);
    return told;
  }

  /** The app has given it up before anybody heard of it. */
  get isAborted(): boolean {
    return this.#options.signal?.aborted ?? false;
  }

  /** Takes it back when the app's signal aborts; at a next hub again, if the one that was asked has died. */
  watchAbort(cancel: () => Promise<boolean>, isPending: () => boolean): void {
    const abort = () => {
      cancel().catch(({ code }: ConnectionError) => code === 'hub-lost' && isPending() && abort());
    };
    if (this.#options.signal) this.#unabort = onAbort(this.#options.signal, abort);
  }

  /** The server has so much of it. */
  progress(ratio: number): void {
    try {
      this.#options.onProgress?.(ratio);
    } catch (error) {
      report(error);
    }
  }
}

/** The entries of a tab by tab sequence, and up to where they are stored and settled. */
export class PendingEntries extends Map<number, PendingEntry> {
  storedUpTo = 0;
  #ackedUpTo = 0;
  /** Those up to there that wait behind a large entry. */
  readonly #late = new Set<number>();

  /** Everything up to this tab sequence is stored. */
  readonly toldStored = (upTo: number): void => {
    while (this.storedUpTo < upTo) {
      const entry = this.get((this.storedUpTo += 1));
      if (!entry?.op.volatile) entry?.stored.settle(true);
    }
  };

  /** Everything up to this tab sequence is settled, without those in `but`. */
  readonly toldAcked = (upTo: number, but: readonly number[] = []): void => {
    const still = new Set(but);
    for (const seq of this.#late) if (seq <= upTo && !still.has(seq)) this.#settle(seq);
    while (this.#ackedUpTo < upTo) {
      this.#ackedUpTo += 1;
      if (!still.has(this.#ackedUpTo)) this.#settle(this.#ackedUpTo);
      else if (this.has(this.#ackedUpTo)) this.#late.add(this.#ackedUpTo);
    }
  };

  #settle(seq: number): void {
    this.get(seq)?.settle();
    this.delete(seq);
    this.#late.delete(seq);
  }
}
