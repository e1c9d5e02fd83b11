import type { TabOp } from '../worker/core/hub-api.ts';
import { deferred, type Deferred } from './deferred.ts';
import type { ConnectionError } from './protocol/errors.ts';
import type { Delivery } from './types.ts';

/** A publish op of this tab. */
export type PublishOp = Extract<TabOp, { kind: 'publish' }>;

interface Pending {
  readonly op: PublishOp;
  readonly stored: Deferred<void>;
  readonly acked: Deferred<void>;
}

export type Deliveries = ReturnType<typeof createDeliveries>;

/** Entries of this tab that have no fate yet, by tab sequence. `onDropped` hears of each that failed. */
export function createDeliveries(onDropped: (op: PublishOp, error: ConnectionError) => void) {
  const pending = new Map<number, Pending>();
  let storedUpTo = 0;
  let ackedUpTo = 0;

  /** Everything up to this tab sequence is stored. */
  function stored(upTo: number): void {
    while (storedUpTo < upTo) pending.get((storedUpTo += 1))?.stored.resolve();
  }

  /** Everything up to this tab sequence is settled. */
  function acked(upTo: number): void {
    stored(upTo);
    while (ackedUpTo < upTo) {
      pending.get((ackedUpTo += 1))?.acked.resolve();
      pending.delete(ackedUpTo);
    }
  }

  /** An entry ends without having reached the server. */
  function drop(tabSeq: number, error: ConnectionError): void {
    const dropped = pending.get(tabSeq);
    if (!dropped) return;
    pending.delete(tabSeq);
    dropped.stored.reject(error);
    dropped.acked.reject(error);
    onDropped(dropped.op, error);
  }

  /** Ends everything up to a tab sequence. */
  function end(error: ConnectionError, upTo = Infinity): void {
    for (const tabSeq of pending.keys()) if (tabSeq <= upTo) drop(tabSeq, error);
  }

  return {
    size: () => pending.size,
    stored,
    acked,
    drop,
    end,

    add(op: PublishOp): Delivery {
      const added = { op, stored: deferred<void>(), acked: deferred<void>() };
      pending.set(op.tabSeq, added);
      return { id: op.id, stored: added.stored.promise, acked: added.acked.promise };
    },

    /** What another hub held in its memory is lost with it, and its outcome unknown. */
    hubLost: (error: ConnectionError) => end(error, storedUpTo),

    /** The entries that the hub has still to be told. */
    unstored: (): PublishOp[] =>
      Array.from(pending.values(), ({ op }) => op).filter((op) => op.tabSeq > storedUpTo),

    /** Settles once everything published so far is stored, or has failed. */
    allStored: () => Promise.allSettled(Array.from(pending.values(), (each) => each.stored.promise)),
  };
}
