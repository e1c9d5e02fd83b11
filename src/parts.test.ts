import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { FailedEntry, TabOp } from '../worker/core/hub-api.ts';
import { createParts } from './parts.ts';
import { errorData } from './protocol/errors.ts';
import { initialStatus } from './status.ts';
import { partsWorld } from './testing/parts-world.ts';
import type { SocketEventMap } from './types.ts';

type Reply = Parameters<ReturnType<typeof createParts>['resume']>[0];
/** `open`, the name of the promise that resolved, or the code that it was rejected with. */
type Fate = string;

const error = errorData('forbidden', 'no');
const settings = {
  hubName: 'onesocket:n',
  auth: undefined,
  worker: 'http://a.test/worker.js',
  hosts: ['shared-worker' as const],
  hub: { url: 'ws://a.test/' },
};
const failedAt = (...tabSeqs: number[]): FailedEntry[] => tabSeqs.map((tabSeq) => ({ tabSeq, error }));

/** The hub's reply to an attach; it has taken, stored and settled nothing unless said. */
const reply = (more: Partial<Reply> = {}): Reply => {
  const status = { ...initialStatus('a'), hubId: 'hub', host: 'shared-worker' } as Reply['status'];
  return {
    kind: 'attached',
    takenUpTo: 0,
    storedUpTo: 0,
    ackedUpTo: 0,
    failed: [],
    lifeLock: null,
    status,
    ...more,
  };
};

/** A tab that has published entries 1 to `count`, and what became of each promise. */
function partsOf(count: number) {
  const pushed: TabOp[] = [];
  const dropped: SocketEventMap['dropped']['detail'][] = [];
  const outlet = { world: partsWorld, push: (op: TabOp) => void pushed.push(op), ended: () => null };
  const parts = createParts(settings, outlet, (drop) => dropped.push(drop));
  const fates: Record<'stored' | 'acked', Fate[]> = { stored: [], acked: [] };
  const publish = (tabSeq: number) => {
    const delivery = parts.deliveries.publish('t', tabSeq);
    for (const name of ['stored', 'acked'] as const) {
      fates[name][tabSeq] = 'open';
      delivery[name].then(
        () => (fates[name][tabSeq] = name),
        (cause: { code: string }) => (fates[name][tabSeq] = cause.code),
      );
    }
    return delivery.id;
  };
  const ids = Array.from({ length: count }, (_, index) => publish(index + 1));
  /** What became of the promises, in the order of the entries. */
  const settled = async () => {
    for (let turn = 0; turn < 10; turn++) await Promise.resolve();
    return { stored: fates.stored.slice(1), acked: fates.acked.slice(1) };
  };
  return { parts, pushed, dropped, ids, settled };
}

const tabSeqs = (ops: readonly TabOp[]) => ops.flatMap((op) => (op.kind === 'publish' ? [op.tabSeq] : []));

describe('an attachment to the same hub', () => {
  it('settles what is stored and what is acknowledged, and tells what was not taken', async () => {
    const { parts, settled } = partsOf(4);
    const ops = parts.resume(reply({ takenUpTo: 3, storedUpTo: 2, ackedUpTo: 1 }), null);
    expect(tabSeqs(ops)).toEqual([4]);
    expect(await settled()).toEqual({
      stored: ['stored', 'stored', 'open', 'open'],
      acked: ['acked', 'open', 'open', 'open'],
    });
  });

  it('drops what failed, though it stands before what is acknowledged', async () => {
    const { parts, dropped, ids, settled } = partsOf(3);
    const ops = parts.resume(reply({ takenUpTo: 3, storedUpTo: 3, ackedUpTo: 3, failed: failedAt(2) }), null);
    expect(ops).toEqual([]);
    expect(await settled()).toEqual({
      stored: ['stored', 'forbidden', 'stored'],
      acked: ['acked', 'forbidden', 'acked'],
    });
    expect(dropped).toMatchObject([{ id: ids[1], topic: 't', error: { name: 'ConnectionError', ...error } }]);
  });

  it('keeps stored what it was told so before it failed', async () => {
    const { parts, settled } = partsOf(1);
    parts.take({ kind: 'stored', upTo: 1 });
    parts.resume(reply({ takenUpTo: 1, storedUpTo: 1, ackedUpTo: 1, failed: failedAt(1) }), null);
    expect(await settled()).toEqual({ stored: ['stored'], acked: ['forbidden'] });
  });

  it('takes no notice of failures that it knows', async () => {
    const { parts, dropped, settled } = partsOf(2);
    const again = reply({ takenUpTo: 2, storedUpTo: 2, ackedUpTo: 2, failed: failedAt(1) });
    parts.take({ kind: 'failed', tabSeq: 1, error });
    for (let count = 0; count < 3; count++) expect(parts.resume(again, null)).toEqual([]);
    expect(dropped).toHaveLength(1);
    expect((await settled()).acked).toEqual(['forbidden', 'acked']);
  });

  it('never resolves what failed, and settles all that the hub has settled', async () => {
    const attaches = fc.array(
      fc.record({ taken: fc.nat(4), stored: fc.nat(4), acked: fc.nat(4), failed: fc.array(fc.nat(20)) }),
      { minLength: 1, maxLength: 5 },
    );
    await fc.assert(
      fc.asyncProperty(attaches, async (steps) => {
        const count = 12;
        const { parts, dropped, settled } = partsOf(count);
        const expected = { stored: Array<Fate>(count).fill('open'), acked: Array<Fate>(count).fill('open') };
        const settle = (name: 'stored' | 'acked', fate: Fate, isMeant: (tabSeq: number) => boolean) =>
          (expected[name] = expected[name].map((was, at) =>
            was === 'open' && isMeant(at + 1) ? fate : was,
          ));
        const failed = new Set<number>();
        let [takenUpTo, storedUpTo, ackedUpTo] = [0, 0, 0];
        for (const step of steps) {
          takenUpTo = Math.min(count, takenUpTo + step.taken);
          storedUpTo = Math.min(takenUpTo, storedUpTo + step.stored);
          // An entry fails once the hub has taken it, and before it is acknowledged.
          for (const tabSeq of step.failed) if (tabSeq > ackedUpTo && tabSeq <= takenUpTo) failed.add(tabSeq);
          ackedUpTo = Math.min(storedUpTo, ackedUpTo + step.acked);
          const told = reply({ takenUpTo, storedUpTo, ackedUpTo, failed: failedAt(...failed) });
          for (const name of ['stored', 'acked'] as const) {
            settle(name, 'forbidden', (tabSeq) => failed.has(tabSeq));
            settle(name, name, (tabSeq) => tabSeq <= (name === 'stored' ? storedUpTo : ackedUpTo));
          }
          const left = Array.from({ length: count - takenUpTo }, (_, at) => takenUpTo + at + 1);
          expect(tabSeqs(parts.resume(told, null))).toEqual(left);
        }
        expect(await settled()).toEqual(expected);
        expect(dropped).toHaveLength(failed.size);
      }),
    );
  });
});

describe('an attachment to another hub', () => {
  it('settles what its store holds, and tells the rest anew, in order', async () => {
    const { parts, pushed, dropped, settled } = partsOf(6);
    for (const op of pushed.slice(0, 5)) parts.pushed(op);
    parts.take({ kind: 'stored', upTo: 2 });
    const told = reply({ takenUpTo: 4, storedUpTo: 4, ackedUpTo: 1, failed: failedAt(3) });
    expect(tabSeqs(parts.resume(told, 'strict'))).toEqual([5, 6]);
    expect(await settled()).toEqual({
      stored: ['stored', 'stored', 'forbidden', 'stored', 'open', 'open'],
      acked: ['acked', 'open', 'forbidden', 'open', 'open', 'open'],
    });
    expect(dropped).toHaveLength(1);
  });

  it('loses what was stored and is not in its store, as after the database was deleted', async () => {
    const { parts, pushed, dropped, settled } = partsOf(4);
    for (const op of pushed) parts.pushed(op);
    parts.take({ kind: 'stored', upTo: 3 });
    parts.take({ kind: 'acked', upTo: 1 });
    expect(tabSeqs(parts.resume(reply(), 'relaxed'))).toEqual([4]);
    expect(await settled()).toEqual({
      stored: ['stored', 'stored', 'stored', 'open'],
      acked: ['acked', 'hub-lost', 'hub-lost', 'open'],
    });
    expect(dropped).toMatchObject([{ error: { retryable: true } }, { error: { retryable: true } }]);
  });

  it('loses all that the former had in its memory, stored there or not', async () => {
    const { parts, pushed, settled } = partsOf(3);
    for (const op of pushed.slice(0, 2)) parts.pushed(op);
    parts.take({ kind: 'stored', upTo: 1 });
    expect(tabSeqs(parts.resume(reply(), 'memory'))).toEqual([3]);
    expect((await settled()).acked).toEqual(['hub-lost', 'hub-lost', 'open']);
  });

  it('knows a failure better than that its outcome is unknown', async () => {
    const { parts, pushed, settled } = partsOf(1);
    parts.pushed(pushed[0]!);
    parts.resume(reply({ takenUpTo: 1, storedUpTo: 1, ackedUpTo: 1, failed: failedAt(1) }), 'memory');
    expect((await settled()).acked).toEqual(['forbidden']);
  });

  it('tells subscriptions first, and calls that no hub has seen last', async () => {
    const { parts, pushed } = partsOf(1);
    parts.subscriptions.subscribe('t');
    const [seen, unseen] = [parts.outbox.reconnect(), parts.outbox.reconnect()];
    parts.pushed(pushed[2]!);
    parts.detached();
    await expect(seen).rejects.toMatchObject({ code: 'hub-lost', retryable: true });
    const ops = parts.resume(reply(), 'strict');
    expect(ops.map(({ kind }) => kind)).toEqual(['subscribe', 'publish', 'reconnect']);
    expect(ops.at(-1)).toEqual(pushed[3]);
    parts.take({ kind: 'response', id: (pushed[3] as { id: string }).id });
    await expect(unseen).resolves.toBeUndefined();
  });

  it('is told of an entry before the wish to take it back', () => {
    const { parts } = partsOf(0);
    const { id, cancel } = parts.deliveries.publish('t', 1);
    void cancel();
    expect(parts.resume(reply(), null)).toMatchObject([
      { kind: 'publish', id },
      { kind: 'withdraw', entryId: id },
    ]);
  });
});
