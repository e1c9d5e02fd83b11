import type { TabOp } from '../worker/core/hub-api.ts';
import { LazyPromise } from './deferred.ts';
import { checkName, oneOf, positive } from './options.ts';
import type { Outlet } from './outlet.ts';
import { encodePayload } from './payload.ts';
import { ConnectionError, queueFull } from './protocol/errors.ts';
import * as tabLimits from './limits.ts';
import * as protocolLimits from './protocol/limits.ts';
import type { Delivery, PublishOptions } from './types.ts';

type PublishOp = Extract<TabOp, { kind: 'publish' }>;

interface Pending {
  readonly op: PublishOp;
  readonly stored: LazyPromise;
  readonly acked: LazyPromise;
}

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
  { world, push, ended }: Outlet,
  maxPending: number,
  withdraw: (entryId: string) => Promise<boolean>,
  onDropped: (op: PublishOp, error: ConnectionError) => void,
) {
  /** By tab sequence, which also is their order. */
  const pending = new Map<number, Pending>();
  // A random id for each entry would cost more than all else that is done for it here.
  const idPrefix = world.randomId();
  let tabSeq = 0;
  let pushedUpTo = 0;
  let storedUpTo = 0;
  let ackedUpTo = 0;

  /** Everything up to this tab sequence is stored. */
  function stored(upTo: number): void {
    while (storedUpTo < upTo) {
      const entry = pending.get((storedUpTo += 1));
      if (!entry?.op.volatile) entry?.stored.settle(true);
    }
  }

  /** Everything up to this tab sequence is settled. */
  function acked(upTo: number): void {
    stored(upTo);
    while (ackedUpTo < upTo) {
      const entry = pending.get((ackedUpTo += 1));
      entry?.stored.settle(true);
      entry?.acked.settle(true);
      pending.delete(ackedUpTo);
    }
  }

  /** An entry ends without having reached the server. */
  function drop(seq: number, error: ConnectionError, goesOn = false): void {
    const dropped = pending.get(seq);
    if (!dropped) return;
    pending.delete(seq);
    dropped.stored.settle(error);
    dropped.acked.settle(error);
    if (!goesOn) onDropped(dropped.op, error);
  }

  function publish(topic: string, payload: unknown, options: PublishOptions = {}): Delivery {
    const content = { ...readOptions(topic, options), ...encodePayload(payload) };
    tabSeq += 1;
    const id = `${idPrefix}-${tabSeq}`;
    const op = { kind: 'publish', tabSeq, id, ts: world.now(), ...content } as const;
    const error = ended() ?? (pending.size < maxPending ? null : new ConnectionError(queueFull('entries')));
    const [whenStored, whenAcked] = [new LazyPromise(), new LazyPromise()];
    pending.set(tabSeq, { op, stored: whenStored, acked: whenAcked });
    if (error) drop(tabSeq, error);
    else push(op);
    const cancel = () => withdraw(id);
    return new SentDelivery(id, whenStored, whenAcked, cancel);
  }

  return {
    publish,
    stored,
    acked,
    drop,

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
        const isLost = seq > takenUpTo && (isUnknown || seq <= storedUpTo);
        if (seq <= pushedUpTo && (op.volatile || isLost)) drop(seq, error);
      }
    },

    /** The tab has left. What is stored goes on to the server without it, and is not dropped. */
    end(error: ConnectionError): void {
      for (const [seq, { op }] of pending) drop(seq, error, seq <= storedUpTo && !op.volatile);
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
