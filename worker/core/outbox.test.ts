import { describe, expect, it } from 'vitest';
import { errorData } from '../../src/protocol/errors.ts';
import * as coreLimits from './limits.ts';
import type { EntryDraft } from './outbox-slots.ts';
import { draft, OutboxKit } from './testing/outbox-kit.ts';

const error = errorData('rejected', 'no');
const now = 1_000;

/** An outbox with entries 1 to `count` of tab a, stored. */
function kitOf(count: number, more: Partial<EntryDraft> = {}): OutboxKit {
  const kit = new OutboxKit();
  kit.append(
    Array.from({ length: count }, (_, index) => index + 1),
    more,
  );
  kit.commit();
  return kit;
}

const failed = (tabSeq: number, code: string) =>
  expect.objectContaining({ kind: 'failed', tabSeq, error: expect.objectContaining({ code }) });

describe('an entry that comes in', () => {
  it('gets the next sequence, over all tabs', () => {
    const kit = new OutboxKit({}, { lastSeq: 41 });
    kit.append([1]).append([1], { tabId: 'b' });
    expect(kit.write()).toMatchObject({
      entries: [
        { ...draft(1), seq: 42 },
        { tabId: 'b', seq: 43 },
      ],
      tabSeqs: [
        ['a', 1],
        ['b', 1],
      ],
    });
  });

  it('is refused above the bound of entries or of bytes, until some have left', () => {
    const kit = new OutboxKit({ maxEntries: 3, maxBytes: 25 });
    kit.append([1]);
    kit.outbox.append({ ...draft(2, { bytes: new ArrayBuffer(10) }), json: undefined! });
    expect(kit.outbox.pending).toEqual({ entries: 2, bytes: 20 });
    expect(kit.append([3]).told()).toEqual([failed(3, 'queue-full')]);
    expect(kit.append([4], { json: '12345' }).told()).toEqual([]);
    expect(kit.append([5], { json: '' }).told()).toEqual([failed(5, 'queue-full')]);
    kit.outbox.ack(1);
    kit.told();
    expect(kit.append([6]).told()).toEqual([]);
    expect(kit.outbox.lastTabSeq('a')).toBe(6);
  });

  it('and is refused is remembered with what its tab publishes next', () => {
    const kit = new OutboxKit({ maxEntries: 1 });
    kit.append([1]).commit();
    kit.append([2]);
    expect([kit.told(), kit.write()]).toEqual([[failed(2, 'queue-full')], undefined]);
    kit.outbox.fail(1, error);
    kit.append([3]);
    expect(kit.write()).toMatchObject({
      entries: [{ tabSeq: 3 }],
      tabSeqs: [['a', 3]],
      failures: [{ tabSeq: 2 }, { tabSeq: 1 }],
      removed: [1],
    });
  });

  it('and is refused is written before long where many are', () => {
    const kit = new OutboxKit({ maxEntries: 0 });
    for (let tabSeq = 1; tabSeq < coreLimits.unwrittenFailures; tabSeq++) kit.append([tabSeq]);
    expect(kit.write()).toBeUndefined();
    kit.append([coreLimits.unwrittenFailures]);
    expect(kit.write()).toMatchObject({ entries: [], tabSeqs: [['a', coreLimits.unwrittenFailures]] });
  });
});

describe('an entry that is stored', () => {
  it('is told to each tab cumulatively, once', () => {
    const kit = new OutboxKit();
    for (const [index, tabId] of ['a', 'b'].entries()) kit.append([index + 1], { tabId });
    kit.write();
    kit.append([3]).write();
    expect(kit.settle(1)).toEqual([
      { kind: 'stored', tabId: 'a', upTo: 1 },
      { kind: 'stored', tabId: 'b', upTo: 2 },
    ]);
    expect(kit.settle()).toEqual([{ kind: 'stored', tabId: 'a', upTo: 3 }]);
    expect(kit.settle()).toEqual([]);
  });

  it('may be sent, and not before', () => {
    const kit = new OutboxKit().append([1]);
    kit.write();
    kit.append([2]);
    expect(kit.take(9)).toEqual([]);
    kit.settle();
    expect(kit.take(9)).toEqual([1]);
  });
});

describe('the window', () => {
  it('holds back what goes beyond it until an acknowledgement comes', () => {
    const kit = kitOf(5);
    expect([kit.take(2), kit.take(2)]).toEqual([[1, 2], []]);
    kit.outbox.ack(1);
    expect(kit.told()).toEqual([{ kind: 'acked', tabId: 'a', upTo: 1 }]);
    expect(kit.take(2)).toEqual([3]);
  });

  it('lets go of one turn at a time', () => {
    const kit = kitOf(coreLimits.entriesPerTurn + 1);
    expect(kit.take(9_999)).toHaveLength(coreLimits.entriesPerTurn);
    expect(kit.take(9_999)).toEqual([coreLimits.entriesPerTurn + 1]);
  });

  it('is not filled by entries that failed, since nobody acknowledges what was not sent', () => {
    const kit = kitOf(5, { expiresAt: now });
    kit.append([6]).commit();
    expect(kit.take(2, now + 1)).toEqual([]);
    expect(kit.commit()).toMatchObject([1, 2, 3, 4, 5].map((tabSeq) => failed(tabSeq, 'expired')).concat({}));
    expect(kit.take(2, now + 1)).toEqual([6]);
  });

  it('has room again for an entry that failed under way', () => {
    const kit = kitOf(4);
    kit.take(2);
    expect(kit.fail(2, error).take(2)).toEqual([3]);
  });

  it('is empty again with the next connection', () => {
    const kit = kitOf(4);
    kit.take(2);
    kit.outbox.resume(1);
    expect(kit.take(2)).toEqual([2, 3]);
  });
});

describe('waiting for acknowledgements', () => {
  it('begins with the first entry sent and ends with the last one acknowledged', () => {
    const kit = kitOf(2);
    const { outbox } = kit;
    expect(outbox.isAwaitingAck).toBe(false);
    kit.take(9);
    outbox.ack(1);
    expect(outbox.isAwaitingAck).toBe(true);
    outbox.ack(2);
    expect(outbox.isAwaitingAck).toBe(false);
  });
});

describe('an acknowledgement', () => {
  it('is cumulative, told to each tab, and never goes back', () => {
    const kit = kitOf(3).append([1], { tabId: 'b' });
    kit.commit();
    kit.take(9);
    kit.outbox.ack(4);
    expect(kit.told()).toEqual([
      { kind: 'acked', tabId: 'a', upTo: 3 },
      { kind: 'acked', tabId: 'b', upTo: 1 },
    ]);
    kit.outbox.ack(2);
    expect([kit.told(), kit.outbox.acked]).toEqual([[], 4]);
    expect(kit.outbox.pending).toEqual({ entries: 0, bytes: 0 });
  });

  it('beyond the last sequence counts for what there is', () => {
    const kit = kitOf(2);
    kit.outbox.ack(1e9);
    expect(kit.outbox.acked).toBe(2);
    kit.append([3]);
    expect(kit.write()).toMatchObject({ entries: [{ seq: 3 }], acked: 2 });
  });

  it('waits for the failure that stands before it, until that is stored', () => {
    const kit = kitOf(3);
    kit.take(9);
    kit.fail(2, error).outbox.ack(3);
    expect(kit.told()).toEqual([]);
    kit.write();
    expect(kit.outbox.tabSeqs('a')).toEqual({ takenUpTo: 3, storedUpTo: 1, ackedUpTo: 3, but: [2] });
    expect(kit.settle()).toEqual([
      failed(2, 'rejected'),
      { kind: 'acked', tabId: 'a', upTo: 3 },
      { kind: 'stored', tabId: 'a', upTo: 3 },
    ]);
    expect(kit.outbox.tabSeqs('a').ackedUpTo).toBe(3);
  });
});

describe('what an earlier hub has stored', () => {
  const stored = { lastSeq: 2 ** 32, acked: 4, tabSeqs: [['a', 9]] as const };
  const load = () => {
    const entries = [5, 7, 8].map((seq) => ({
      ...draft(seq),
      seq,
      ...(seq === 8 ? { expiresAt: now } : {}),
    }));
    return new OutboxKit({ maxEntries: 3, whenFull: 'drop-oldest' }, { ...stored, entries });
  };

  it('is sent again from what the server has, with new entries far behind it', () => {
    const kit = load();
    kit.outbox.resume(5);
    expect(kit.told()).toEqual([{ kind: 'acked', tabId: 'a', upTo: 5 }]);
    kit.append([10]).commit();
    expect(kit.take(9, now - 1)).toEqual([7, 8, 2 ** 32 + 1]);
  });

  it('may be with the server, and is neither dropped, withdrawn nor expired until that has said', () => {
    const kit = load();
    expect(kit.append([10]).told()).toEqual([failed(10, 'queue-full')]);
    expect([kit.outbox.withdraw('id7', error), kit.outbox.expire(now)]).toEqual([false, Infinity]);
    expect(kit.outbox.list().map(({ isSent }) => isSent)).toEqual([true, true, true]);
    kit.outbox.resume(5);
    expect(kit.outbox.withdraw('id7', error)).toBe(true);
    kit.outbox.expire(now);
    expect(kit.write()).toMatchObject({ removed: [7, 8], acked: 5 });
  });
});

describe('an entry that fails', () => {
  it('keeps those behind it from being sent until that is stored, or their acknowledgement would count for it', () => {
    const kit = kitOf(3).fail(2, error);
    expect(kit.take(9)).toEqual([1]);
    kit.write();
    expect(kit.take(9)).toEqual([]);
    kit.settle();
    expect(kit.take(9)).toEqual([3]);
  });

  it('as it is about to be sent does so too', () => {
    const kit = kitOf(3);
    const send = () =>
      kit.outbox.take({ window: 9, windowBytes: Infinity }, now, ({ seq }) =>
        seq === 2 ? error : undefined,
      );
    expect(send().map(({ seq }) => seq)).toEqual([1]);
    expect(kit.commit()).toContainEqual(failed(2, 'rejected'));
    expect(send().map(({ seq }) => seq)).toEqual([3]);
  });

  it('is told once, after it is stored, and is not sent any more', () => {
    const kit = kitOf(2).fail(1, error).fail(1, error).fail(99, error);
    expect(kit.told()).toEqual([]);
    expect(kit.write()).toMatchObject({
      removed: [1],
      failures: [{ tabSeq: 1, id: 'id1', topic: 't', error }],
    });
    expect(kit.settle()).toMatchObject([failed(1, 'rejected'), { kind: 'stored', upTo: 2 }]);
    expect(kit.take(9)).toEqual([2]);
    expect(kit.outbox.pending).toEqual({ entries: 1, bytes: 10 });
  });

  it('in the transition in which it came is not stored at all', () => {
    const kit = new OutboxKit().append([1, 2]).fail(1, error);
    expect(kit.write()).toMatchObject({ entries: [{ seq: 2 }], removed: [], failures: [{ tabSeq: 1 }] });
  });

  it('is passed over, however many there are that nobody will ever acknowledge', () => {
    const kit = new OutboxKit({ maxEntries: 10 });
    for (let tabSeq = 1; tabSeq <= 10_000; tabSeq++) {
      kit.append([tabSeq]).fail(tabSeq, error);
      if (tabSeq % 1_000 === 0) kit.commit();
    }
    kit.append([10_001]).commit();
    expect(kit.outbox.pending).toEqual({ entries: 1, bytes: 10 });
    expect(kit.take(1)).toEqual([10_001]);
    expect(kit.outbox.tabSeqs('a')).toEqual({ takenUpTo: 10_001, storedUpTo: 10_001, ackedUpTo: 10_000 });
  });

  it('takes no more room than is bounded, where the store does not settle', () => {
    const kit = new OutboxKit({ maxEntries: 10 });
    for (let tabSeq = 1; tabSeq <= coreLimits.keptFailures; tabSeq++)
      kit.append([tabSeq]).fail(tabSeq, error);
    expect(kit.append([coreLimits.keptFailures + 1]).told()).toMatchObject([
      { error: { code: 'queue-full' } },
    ]);
    kit.commit();
    expect(kit.append([coreLimits.keptFailures + 2]).told()).toEqual([]);
  });

  it('is the largest one under way, where a frame was too large', () => {
    const kit = new OutboxKit();
    for (const [index, length] of [5, 30, 20, 90].entries()) {
      if (index === 3) kit.commit();
      kit.append([index + 1], { json: 'x'.repeat(length) });
    }
    kit.take(9);
    for (let count = 0; count < 4; count++) kit.outbox.failLargestUnderWay(error);
    expect(kit.write()?.removed).toEqual([2, 3, 1]);
  });
});
