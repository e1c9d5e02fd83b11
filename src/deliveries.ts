import type { TabItem, TabOp } from '../worker/core/hub-api.ts';
import { deferred, type Deferred } from './deferred.ts';
import { ConnectionError } from './protocol/errors.ts';
import type { Delivery } from './types.ts';

/** A publish op of this tab. */
export type PublishOp = Extract<TabOp, { kind: 'publish' }>;

interface Pending {
  readonly op: PublishOp;
  readonly stored: Deferred<void>;
  readonly acked: Deferred<void>;
}

/** Entries of this tab that have no fate yet, by tab sequence. */
export class Deliveries {
  readonly #pending = new Map<number, Pending>();
  readonly #onDropped: (op: PublishOp, error: ConnectionError) => void;
  #stored = 0;
  #acked = 0;

  constructor(onDropped: (op: PublishOp, error: ConnectionError) => void) {
    this.#onDropped = onDropped;
  }

  /** Entries without a fate. */
  get size(): number {
    return this.#pending.size;
  }

  add(op: PublishOp): Delivery {
    const pending = { op, stored: deferred<void>(), acked: deferred<void>() };
    this.#pending.set(op.tabSeq, pending);
    return { id: op.id, stored: pending.stored.promise, acked: pending.acked.promise };
  }

  /** Takes what the hub tells of entries. */
  take(item: Extract<TabItem, { kind: 'stored' | 'acked' | 'failed' }>): void {
    switch (item.kind) {
      case 'stored':
        return this.#storedUpTo(item.upTo);
      case 'acked':
        return this.#ackedUpTo(item.upTo);
      case 'failed':
        return this.drop(item.tabSeq, new ConnectionError(item.error));
      default:
        item satisfies never;
    }
  }

  /**
   * This tab is attached anew. Gives the ops that the hub has not taken yet. What a former hub had in its
   * memory is lost with it, and its outcome unknown.
   */
  attached(tabSeq: number, settled: number, isOtherHub: boolean, lost: ConnectionError): PublishOp[] {
    if (isOtherHub) {
      for (const seq of this.#pending.keys()) if (seq <= this.#stored) this.drop(seq, lost);
    } else {
      this.#ackedUpTo(settled);
      this.#storedUpTo(tabSeq);
    }
    return Array.from(this.#pending.values(), ({ op }) => op).filter(
      (op) => isOtherHub || op.tabSeq > tabSeq,
    );
  }

  /** Rejects everything that has no fate. */
  end(error: ConnectionError): void {
    for (const seq of this.#pending.keys()) this.drop(seq, error);
  }

  /** Settles once everything published so far is stored, or has failed. */
  async allStored(): Promise<void> {
    await Promise.allSettled(Array.from(this.#pending.values(), ({ stored }) => stored.promise));
  }

  #storedUpTo(upTo: number): void {
    while (this.#stored < upTo) this.#pending.get((this.#stored += 1))?.stored.resolve();
  }

  #ackedUpTo(upTo: number): void {
    this.#storedUpTo(upTo);
    while (this.#acked < upTo) {
      this.#acked += 1;
      this.#pending.get(this.#acked)?.acked.resolve();
      this.#pending.delete(this.#acked);
    }
  }

  /** An entry ends without having reached the server. */
  drop(tabSeq: number, error: ConnectionError): void {
    const pending = this.#pending.get(tabSeq);
    if (!pending) return;
    this.#pending.delete(tabSeq);
    pending.stored.reject(error);
    pending.acked.reject(error);
    this.#onDropped(pending.op, error);
  }
}
