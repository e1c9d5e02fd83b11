import { describe, expect, it } from 'vitest';
import { errorData } from '../../src/protocol/errors.ts';
import * as coreLimits from './limits.ts';
import { draft, OutboxKit } from './testing/outbox-kit.ts';

const error = errorData('cancelled', 'no');
const now = 1_000;
const failed = (tabSeq: number, code: string) =>
  expect.objectContaining({ kind: 'failed', tabSeq, error: expect.objectContaining({ code }) });
const ids = (kit: OutboxKit) => kit.outbox.list().map(({ entry }) => entry.tabSeq);

describe('an outbox that drops the oldest', () => {
  const full = () => {
    const kit = new OutboxKit({ maxEntries: 3, maxBytes: 30, whenFull: 'drop-oldest' }).append([1, 2, 3]);
    kit.commit();
    return kit;
  };

  it('fails as many as the new one needs', () => {
    const kit = full().append([4], { json: 'x'.repeat(15) });
    expect(ids(kit)).toEqual([3, 4]);
    expect(kit.commit()).toMatchObject([
      failed(1, 'queue-full'),
      failed(2, 'queue-full'),
      { kind: 'stored' },
    ]);
  });

  it('keeps what may be with the server, and refuses the new one if that leaves no room', () => {
    const kit = full();
    kit.take(2);
    expect(ids(kit.append([4]))).toEqual([1, 2, 4]);
    kit.take(9);
    kit.commit();
    kit.take(9);
    expect(kit.append([5]).told()).toEqual([failed(5, 'queue-full')]);
    expect(ids(kit.append([6], { json: 'x'.repeat(31) }))).toEqual([1, 2, 4]);
  });

  it('drops again what a lost connection took along, once the server has said so', () => {
    const kit = full();
    kit.take(9);
    expect(kit.append([4]).told()).toHaveLength(1);
    kit.outbox.resume(1);
    expect(ids(kit.append([5, 6]))).toEqual([3, 5, 6]);
  });

  it('does not look at all that it has dropped for each that comes', () => {
    const kit = new OutboxKit({ maxEntries: 5_000, whenFull: 'drop-oldest' });
    for (let tabSeq = 1; tabSeq <= 50_000; tabSeq++) {
      kit.append([tabSeq]);
      if (tabSeq % 500 === 0) kit.commit();
    }
    expect(ids(kit)[0]).toBe(45_001);
  });
});

describe('an outbox that blocks', () => {
  it('takes nothing for which there is no room, but refuses what never fits', () => {
    const kit = new OutboxKit({ maxEntries: 1, maxBytes: 20, whenFull: 'block' }).append([1]);
    expect(kit.outbox.append(draft(2))).toBe(false);
    expect(kit.outbox.lastTabSeq('a')).toBe(1);
    expect(kit.outbox.append(draft(2, { json: 'x'.repeat(21) }))).toBe(true);
    expect(kit.told()).toEqual([failed(2, 'queue-full')]);
  });
});

describe('an entry with a coalescing key', () => {
  const key = { coalesceKey: 'k' };

  it('takes the place of an unsent one of its topic, of whichever tab, with a new sequence', () => {
    const kit = new OutboxKit()
      .append([1], key)
      .append([2])
      .append([3], { ...key, topic: 'u' });
    kit.commit();
    kit.append([1], { tabId: 'b', ...key });
    expect(kit.write()).toMatchObject({ entries: [{ seq: 4 }], removed: [1] });
    expect(kit.settle()[0]).toEqual(failed(1, 'superseded'));
    expect(kit.take(9)).toEqual([2, 3, 4]);
  });

  it('needs no room but what it takes over', () => {
    const kit = new OutboxKit({ maxEntries: 1, maxBytes: 10 }).append([1, 2], key);
    expect([kit.told(), ids(kit)]).toEqual([[], [2]]);
    expect(kit.append([3], { ...key, json: 'x'.repeat(11) }).told()).toEqual([failed(3, 'queue-full')]);
    expect(ids(kit)).toEqual([2]);
  });

  it('leaves one alone that may be with the server, until that has said that it is not', () => {
    const kit = new OutboxKit().append([1], key);
    kit.commit();
    kit.take(9);
    expect(ids(kit.append([2], key))).toEqual([1, 2]);
    kit.outbox.resume(0);
    expect(ids(kit.append([3], key))).toEqual([3]);
  });

  it('leaves the first one alone that is being stored, so that some are sent however fast they come', () => {
    const kit = new OutboxKit().append([1], key);
    kit.write();
    const sent: number[] = [];
    for (let tabSeq = 2; tabSeq <= 20; tabSeq++) {
      kit.append([tabSeq], key).write();
      kit.append([100 + tabSeq], { ...key, tabId: 'b' }).write();
      // The store is always one commit behind.
      kit.settle(tabSeq * 2 - 2);
      sent.push(...kit.take(99));
    }
    expect(sent.length).toBeGreaterThan(5);
    kit.settle();
    sent.push(...kit.take(99));
    expect(sent.at(-1)).toBe(39);
  });

  it('takes the place of one that was loaded', () => {
    const entries = [{ ...draft(1, key), seq: 1 }];
    const kit = new OutboxKit({}, { lastSeq: 9, entries });
    kit.outbox.resume(0);
    expect(ids(kit.append([2], key))).toEqual([2]);
  });
});

describe('a volatile entry', () => {
  it('is sent in its turn behind those that are not stored yet, and never written', () => {
    const kit = new OutboxKit().append([1]);
    kit.outbox.appendVolatile(draft(2), 9);
    kit.append([3]);
    expect(kit.write()).toMatchObject({ entries: [{ seq: 1 }, { seq: 3 }], tabSeqs: [['a', 3]] });
    expect(kit.take(9)).toEqual([]);
    kit.settle();
    expect(kit.take(9)).toEqual([1, 2, 3]);
  });

  it('waits for nothing else', () => {
    const kit = new OutboxKit();
    kit.outbox.appendVolatile(draft(1), 9);
    expect([kit.take(9), kit.write()]).toEqual([[1], undefined]);
    kit.outbox.ack(1);
    expect(kit.told()).toEqual([{ kind: 'acked', tabId: 'a', upTo: 1 }]);
  });

  it('fails at once where the window has no room', () => {
    const kit = new OutboxKit().append([1, 2]);
    kit.outbox.appendVolatile(draft(3), 2);
    expect([kit.told(), kit.outbox.lastTabSeq('a')]).toEqual([[failed(3, 'not-open')], 3]);
  });

  it('fails with the session, whether it was sent or not, and others stay', () => {
    const kit = new OutboxKit();
    kit.outbox.appendVolatile(draft(1), 9);
    kit.take(9);
    kit.append([2]);
    kit.outbox.appendVolatile(draft(3), 9);
    kit.outbox.failVolatile();
    expect(kit.told()).toEqual([failed(1, 'not-open'), failed(3, 'not-open')]);
    expect([ids(kit), kit.outbox.pending.entries]).toEqual([[2], 1]);
    kit.commit();
    kit.outbox.resume(0);
    expect(kit.take(9)).toEqual([2]);
  });
});

describe('an entry that is taken back', () => {
  it('is not sent', () => {
    const kit = new OutboxKit().append([1, 2, 3]);
    kit.commit();
    kit.take(1);
    expect(['id1', 'id2', 'other'].map((id) => kit.outbox.withdraw(id, error))).toEqual([false, true, false]);
    expect(kit.outbox.withdraw('id2', error)).toBe(false);
    kit.commit();
    expect(kit.take(9)).toEqual([3]);
  });
});

describe('an outbox that is emptied', () => {
  it('forgets what it has, sent or not, and goes on with what comes after', () => {
    const kit = new OutboxKit().append([1, 2]);
    kit.commit();
    kit.take(1);
    kit.append([3]);
    kit.outbox.failAll(errorData('purged', ''));
    kit.journal.purge([]);
    kit.append([4]);
    expect(kit.write()).toMatchObject({
      purge: true,
      entries: [{ tabSeq: 4 }],
      removed: [],
      failures: [{ tabSeq: 1 }, { tabSeq: 2 }, { tabSeq: 3 }],
      tabSeqs: [['a', 4]],
    });
    expect(kit.settle()).toHaveLength(4);
    expect(kit.take(9)).toEqual([4]);
  });
});

describe('what a tab that attaches anew has to know', () => {
  const seqsOf = ({ outbox }: OutboxKit, tabId = 'a') => Object.values(outbox.tabSeqs(tabId));

  it('is all nought for a tab that is unknown', () => {
    expect(seqsOf(new OutboxKit().append([1]), 'b')).toEqual([0, 0, 0]);
  });

  it('is acknowledged before the first entry without a fate that was told, of each tab', () => {
    const kit = new OutboxKit().append([1, 2, 3]);
    kit.commit();
    kit.append([1], { tabId: 'b' });
    expect([seqsOf(kit), seqsOf(kit, 'b')]).toEqual([
      [3, 3, 0],
      [1, 0, 0],
    ]);
    kit.fail(1, error).write();
    expect(seqsOf(kit)).toEqual([3, 0, 0]);
    kit.settle();
    expect([seqsOf(kit), seqsOf(kit, 'b')]).toEqual([
      [3, 3, 1],
      [1, 1, 0],
    ]);
    kit.outbox.ack(4);
    expect([seqsOf(kit), seqsOf(kit, 'b')]).toEqual([
      [3, 3, 3],
      [1, 1, 1],
    ]);
  });

  it('is stored before the first entry that the store has not confirmed', () => {
    const kit = new OutboxKit().append([1, 2]);
    kit.commit();
    kit.append([3, 4]).write();
    expect(seqsOf(kit)).toEqual([4, 2, 0]);
    kit.append([5]);
    kit.settle();
    expect(seqsOf(kit)).toEqual([5, 4, 0]);
  });

  it('counts an entry that was refused as taken, since its failure is told apart', () => {
    const kit = new OutboxKit({ maxEntries: 1 }).append([1, 2]);
    expect(seqsOf(kit)).toEqual([2, 0, 2, [1]]);
    kit.commit();
    kit.outbox.ack(1);
    expect(seqsOf(kit)).toEqual([2, 2, 2]);
  });
});

describe('expiry', () => {
  it('fails what is over and says when the next entry will be', () => {
    const kit = new OutboxKit();
    for (const [index, expiresAt] of [900, null, 1_000, 5_000, 3_000].entries()) {
      kit.append([index + 1], { expiresAt });
    }
    expect(kit.outbox.expire(now)).toBe(3_000);
    expect(kit.write()?.failures).toMatchObject([{ tabSeq: 1 }, { tabSeq: 3 }]);
    expect(kit.outbox.expire(9_000)).toBe(Infinity);
  });

  it('never fails an entry that the server may have, before the server has said that it has not', () => {
    const kit = new OutboxKit().append([1, 2, 3], { expiresAt: now });
    kit.commit();
    kit.take(1, now - 1);
    kit.outbox.expire(now);
    expect(ids(kit)).toEqual([1]);
    kit.outbox.resume(0);
    kit.outbox.expire(now);
    expect(ids(kit)).toEqual([]);
  });
});

describe('the memory of tabs that have gone', () => {
  it('is bounded, and forgets those that were silent for longest', () => {
    const kit = new OutboxKit();
    for (let index = 0; index <= coreLimits.rememberedTabs; index++) {
      kit.append([1], { tabId: `tab${index}` });
      kit.append([index + 1], { tabId: 'busy' });
    }
    expect(kit.outbox.lastTabSeq('tab0')).toBe(0);
    expect(kit.outbox.lastTabSeq('busy')).toBe(coreLimits.rememberedTabs + 1);
  });
});
