import type { TabOp } from '../worker/core/hub-api.ts';
import { deferred, type Deferred } from './deferred.ts';
import { checkName, positive } from './options.ts';
import type { Outlet } from './outlet.ts';
import { encodePayload } from './payload.ts';
import { ConnectionError, queueFull } from './protocol/errors.ts';
import * as protocolLimits from './protocol/limits.ts';
import type { Delivery, PublishOptions } from './types.ts';

type PublishOp = Extract<TabOp, { kind: 'publish' }>;

interface Pending {
  readonly op: PublishOp;
  readonly stored: Deferred<void>;
  readonly acked: Deferred<void>;
}

/** What a tab has published, as far as it has no fate yet. `onDropped` hears of every entry that failed. */
export function createDeliveries(
  { push, ended }: Outlet,
  maxPending: number,
  onDropped: (op: PublishOp, error: ConnectionError) => void,
) {
  /** By tab sequence, which also is their order. */
  const pending = new Map<number, Pending>();
  let tabSeq = 0;
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
  function drop(seq: number, error: ConnectionError): void {
    const dropped = pending.get(seq);
    if (!dropped) return;
    pending.delete(seq);
    dropped.stored.reject(error);
    dropped.acked.reject(error);
    onDropped(dropped.op, error);
  }

  /** Drops everything up to a tab sequence. */
  function end(error: ConnectionError, upTo = tabSeq): void {
    for (const seq of pending.keys()) if (seq <= upTo) drop(seq, error);
  }

  function publish(topic: string, payload: unknown, { ttlMs }: PublishOptions = {}): Delivery {
    checkName('topic', topic, protocolLimits.topicLength);
    if (ttlMs !== undefined) positive('ttlMs', ttlMs);
    const encoded = encodePayload(payload);
    const id = crypto.randomUUID();
    tabSeq += 1;
    const op = { kind: 'publish', tabSeq, id, topic, ts: Date.now(), ttlMs, ...encoded } as const;
    const error = ended() ?? (pending.size < maxPending ? null : new ConnectionError(queueFull('entries')));
    const [whenStored, whenAcked] = [deferred<void>(), deferred<void>()];
    pending.set(tabSeq, { op, stored: whenStored, acked: whenAcked });
    if (error) drop(tabSeq, error);
    else push(op);
    return { id, stored: whenStored.promise, acked: whenAcked.promise };
  }

  return {
    publish,
    stored,
    acked,
    drop,
    end,

    /** What another hub held in its memory is lost with it, and its outcome unknown. */
    hubLost: (error: ConnectionError) => end(error, storedUpTo),

    /** What the hub has still to be told: it took everything up to a tab sequence. */
    resume: (takenUpTo: number): TabOp[] =>
      Array.from(pending.values(), ({ op }) => op).filter((op) => op.tabSeq > takenUpTo),

    /** Settles once everything published so far is stored, or has failed. */
    allStored: () => Promise.allSettled(Array.from(pending.values(), (entry) => entry.stored.promise)),
  };
}
