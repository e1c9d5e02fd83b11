import type { TabOp } from '../worker/core/hub-api.ts';
import type { LazyPromise } from './deferred.ts';
import { checkName, oneOf, positive } from './options.ts';
import type { Outlet } from './outlet.ts';
import { failure } from './failure.ts';
import { encodeContent } from './payload.ts';
import { PendingEntries, PendingEntry, type PublishOp } from './pending-entry.ts';
import { ConnectionError, queueFull } from './protocol/errors.ts';
import * as tabLimits from './limits.ts';
import * as protocolLimits from './protocol/limits.ts';
import type { Delivery, PublishOptions } from './types.ts';

/** What the app gets of one entry. Getters on a prototype: on the object itself they would cost what they save. */
class SentDelivery implements Delivery {
  readonly id: string;
  readonly #stored: LazyPromise;
  readonly #acked: LazyPromise;
  readonly cancel: () => Promise<boolean>;

  constructor(id: string, stored: LazyPromise, acked: LazyPromise, cancel: () => Promise<boolean>) {
    this.id = id;
    this.#stored = stored;
    this.#acked = acked;
    this.cancel = cancel;
  }

  get stored(): Promise<void> {
    return this.#stored.promise;
  }

  get acked(): Promise<void> {
    return this.#acked.promise;
  }
}

/**
 * What a tab has published, as far as it has no fate yet. `onDropped` hears of every entry that failed, and `withdraw`
 * takes an entry back.
 */
export function createDeliveries(
  { world, push, ended, trace, sight }: Outlet,
  maxPending: number,
  withdraw: (entryId: string) => Promise<boolean>,
  onDropped: (op: PublishOp, error: ConnectionError) => void,
) {
  const pending = new PendingEntries();
  // A random id for each entry would cost more than all else that is done for it here.
  const idPrefix = world.randomId();
  let tabSeq = 0;
  let pushedUpTo = 0;

  /** An entry ends without having reached the server. */
  function drop(seq: number, error: ConnectionError, goesOn = false): void {
    const dropped = pending.get(seq);
    if (!dropped) return;
    pending.delete(seq);
    const failed = dropped.fail(error);
    if (!goesOn) onDropped(dropped.op, failed);
  }

  function publish(topic: string, payload: unknown, options: PublishOptions = {}): Delivery {
    const checked = readOptions(topic, options);
    const content = encodeContent(payload, options.volatile === true);
    const seq = (tabSeq += 1);
    const id = `${idPrefix}-${seq}`;
    const op = {
      kind: 'publish',
      tabSeq: seq,
      id,
      ts: world.now(),
      ...checked,
      ...content,
      ...trace?.(),
    } as const;
    const entry = new PendingEntry(op, options);
    const error = ended() ?? (pending.size < maxPending ? null : new ConnectionError(queueFull('entries')));
    const cancel = () => withdraw(id);
    pending.set(seq, entry);
    if (error) {
      drop(seq, error);
    } else if (entry.isAborted) {
      drop(seq, failure('cancelled', 'aborted'));
    } else {
      push(op);
      entry.watchAbort(cancel, () => pending.has(seq));
    }
    const delivery = new SentDelivery(id, entry.stored, entry.acked, cancel);
    return sight?.published(delivery) ?? delivery;
  }

  return {
    publish,
    stored: pending.toldStored,
    acked: pending.toldAcked,
    drop,
    pending: () => pending.size,

    /** How much of a large entry the server has. */
    uploaded: (seq: number, ratio: number): void => pending.get(seq)?.progress(ratio),

    /** An entry went out to the hub. */
    pushed(op: PublishOp): void {
      pushedUpTo = Math.max(pushedUpTo, op.tabSeq);
    },

    /**
     * Another hub has taken over, with everything up to `takenUpTo` in its store. Fails what only the former could
     * tell more of: what was volatile, what was stored and is there no more, and, if one of the two is in memory
     * (`isUnknown`), all that went to the former.
     */
    hubLost(takenUpTo: number, isUnknown: boolean, error: ConnectionError): void {
      for (const [seq, { op }] of pending) {
        const isLost = seq > takenUpTo && (isUnknown || seq <= pending.storedUpTo);
        if (seq <= pushedUpTo && (op.volatile || isLost)) drop(seq, error);
      }
    },

    /** The tab has left. What is stored goes on to the server without it, and is not dropped. */
    end(error: ConnectionError): void {
      for (const [seq, { op }] of pending) drop(seq, error, seq <= pending.storedUpTo && !op.volatile);
    },

    /** What the hub has still to be told: it took everything up to a tab sequence. */
    resume: (takenUpTo: number): TabOp[] =>
      Array.from(pending.values(), ({ op }) => op).filter((op) => op.tabSeq > takenUpTo),

    /** Settles once everything published so far is stored, or has failed. */
    allStored: () => Promise.allSettled(Array.from(pending.values(), (entry) => entry.stored.promise)),
  };
}

function readOptions(topic: string, { ttlMs, coalesceKey, volatile }: PublishOptions) {
  checkName('topic', topic, protocolLimits.topicLength);
  if (ttlMs !== undefined) positive('ttlMs', ttlMs);
  if (coalesceKey !== undefined) checkName('coalesceKey', coalesceKey, tabLimits.coalesceKeyLength);
  oneOf('volatile', volatile, [true, false]);
  return { topic, ttlMs, coalesceKey, volatile };
}
