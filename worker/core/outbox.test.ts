import { describe, expect, it } from 'vitest';
import { errorData } from '../../src/protocol/errors.ts';
import * as coreLimits from './limits.ts';
import { Outbox, type Entry, type EntryDraft } from './outbox.ts';

const error = errorData('rejected', 'no');
const now = 1_000;

const draft = (tabSeq: number, more: Partial<EntryDraft> = {}): EntryDraft => ({
  tabId: 'a',
  tabSeq,
  id: `id${tabSeq}`,
  topic: 't',
  json: '1234567890',
  ts: 1,
  expiresAt: null,
  ...more,
});

/** An outbox with entries 1 to `count` of tab a, stored. */
function outboxOf(count: number, more: Partial<EntryDraft> = {}): Outbox {
  const outbox = new Outbox({ maxEntries: 10_000, maxBytes: 1e6 }, 0);
  for (let tabSeq = 1; tabSeq <= count; tabSeq++) outbox.append(draft(tabSeq, more));
  outbox.stored(count);
  return outbox;
}

const seqs = ({ entries }: { entries: readonly Entry[] }) => entries.map(({ seq }) => seq);
const failed = (tabSeq: number, code: string) =>
  expect.objectContaining({ kind: 'failed', tabSeq, error: expect.objectContaining({ code }) });

describe('an entry that comes in', () => {
  it('gets the next sequence, over all tabs', () => {
    const outbox = new Outbox({ maxEntries: 9, maxBytes: 999 }, 41);
    expect(outbox.append(draft(1))).toEqual({ ...draft(1), seq: 42 });
    expect(outbox.append(draft(1, { tabId: 'b' }))).toMatchObject({ seq: 43 });
  });

  it('is skipped if its tab sequence was taken before', () => {
    const outbox = outboxOf(3);
    expect([1, 3].map((tabSeq) => outbox.append(draft(tabSeq)))).toEqual(['repeated', 'repeated']);
    expect(outbox.append(draft(4))).toMatchObject({ seq: 4 });
    expect([outbox.lastTabSeq('a'), outbox.lastTabSeq('unknown')]).toEqual([4, 0]);
  });

  it('is skipped even if it was refused before, since its tab was told', () => {
    const outbox = new Outbox({ maxEntries: 1, maxBytes: 999 }, 0);
    outbox.append(draft(1));
    expect(outbox.append(draft(2))).toEqual(failed(2, 'queue-full'));
    outbox.ack(1);
    expect(outbox.append(draft(2))).toBe('repeated');
  });

  it('is refused above the bound of entries or of bytes, until some have left', () => {
    const outbox = new Outbox({ maxEntries: 3, maxBytes: 25 }, 0);
    outbox.append(draft(1));
    outbox.append(draft(2, { json: undefined!, bytes: new ArrayBuffer(10) }));
    expect(outbox.pending).toEqual({ entries: 2, bytes: 20 });
    expect(outbox.append(draft(3))).toEqual(failed(3, 'queue-full'));
    expect(outbox.append(draft(4, { json: '12345' }))).toMatchObject({ seq: 3 });
    expect(outbox.append(draft(5, { json: '' }))).toEqual(failed(5, 'queue-full'));
    outbox.ack(1);
    expect(outbox.append(draft(6))).toMatchObject({ seq: 4 });
  });
});

describe('an entry that is stored', () => {
  it('is told to each tab cumulatively, once', () => {
    const outbox = new Outbox({ maxEntries: 9, maxBytes: 999 }, 0);
    for (const [tabSeq, tabId] of ['a', 'b', 'a'].entries()) outbox.append(draft(tabSeq + 1, { tabId }));
    expect(outbox.stored(2)).toEqual([
      { kind: 'stored', tabId: 'a', upTo: 1 },
      { kind: 'stored', tabId: 'b', upTo: 2 },
    ]);
    expect(outbox.stored(3)).toEqual([{ kind: 'stored', tabId: 'a', upTo: 3 }]);
    expect(outbox.stored(2)).toEqual([]);
  });

  it('may be sent, and not before', () => {
    const outbox = new Outbox({ maxEntries: 9, maxBytes: 999 }, 0);
    outbox.append(draft(1));
    outbox.append(draft(2));
    expect(seqs(outbox.take(9, now))).toEqual([]);
    outbox.stored(1);
    expect(seqs(outbox.take(9, now))).toEqual([1]);
  });
});

describe('the window', () => {
  it('holds back what goes beyond it until an acknowledgement comes', () => {
    const outbox = outboxOf(5);
    expect(seqs(outbox.take(2, now))).toEqual([1, 2]);
    expect(seqs(outbox.take(2, now))).toEqual([]);
    expect(outbox.ack(1)).toEqual([{ kind: 'acked', tabId: 'a', upTo: 1 }]);
    expect(seqs(outbox.take(2, now))).toEqual([3]);
  });

  it('lets go of one turn at a time', () => {
    const outbox = outboxOf(coreLimits.entriesPerTurn + 1);
    expect(seqs(outbox.take(9_999, now))).toHaveLength(coreLimits.entriesPerTurn);
    expect(seqs(outbox.take(9_999, now))).toEqual([coreLimits.entriesPerTurn + 1]);
  });

  it('is not filled by entries that failed, since nobody acknowledges what was not sent', () => {
    const outbox = outboxOf(5, { expiresAt: now });
    outbox.append(draft(6));
    outbox.stored(6);
    outbox.resume(0);
    const taken = outbox.take(2, now + 1);
    expect(taken.fates).toEqual([1, 2, 3, 4, 5].map((tabSeq) => failed(tabSeq, 'expired')));
    expect(seqs(taken)).toEqual([6]);
  });

  it('has room again for an entry that failed under way', () => {
    const outbox = outboxOf(4);
    outbox.take(2, now);
    outbox.fail(2, error);
    expect(seqs(outbox.take(2, now))).toEqual([3]);
  });

  it('is empty again with the next connection', () => {
    const outbox = outboxOf(4);
    outbox.take(2, now);
    outbox.resume(1);
    expect(seqs(outbox.take(2, now))).toEqual([2, 3]);
  });
});

describe('waiting for acknowledgements', () => {
  it('begins with the first entry sent and ends with the last one acknowledged', () => {
    const outbox = outboxOf(2);
    expect(outbox.isAwaitingAck).toBe(false);
    outbox.take(9, now);
    outbox.ack(1);
    expect(outbox.isAwaitingAck).toBe(true);
    outbox.ack(2);
    expect(outbox.isAwaitingAck).toBe(false);
  });

  it('does not wait for entries that expired before they were sent', () => {
    const outbox = outboxOf(2, { expiresAt: now });
    outbox.take(9, now);
    expect(outbox.isAwaitingAck).toBe(false);
  });
});

describe('an acknowledgement', () => {
  it('is cumulative, told to each tab, and never goes back', () => {
    const outbox = outboxOf(3);
    outbox.append(draft(1, { tabId: 'b' }));
    outbox.take(9, now);
    expect(outbox.ack(4)).toEqual([
      { kind: 'acked', tabId: 'a', upTo: 3 },
      { kind: 'acked', tabId: 'b', upTo: 1 },
    ]);
    expect(outbox.ack(2)).toEqual([]);
    expect(outbox.acked).toBe(4);
    expect(outbox.pending).toEqual({ entries: 0, bytes: 0 });
  });

  it('beyond the last sequence counts for what there is', () => {
    const outbox = outboxOf(2);
    outbox.ack(1e9);
    expect(outbox.acked).toBe(2);
    expect(outbox.append(draft(3))).toMatchObject({ seq: 3 });
  });
});

describe('a resumed connection', () => {
  it('settles what the server holds and sends the rest again', () => {
    const outbox = outboxOf(3);
    outbox.take(9, now);
    expect(outbox.resume(1)).toEqual([{ kind: 'acked', tabId: 'a', upTo: 1 }]);
    expect(seqs(outbox.take(9, now))).toEqual([2, 3]);
  });

  it('goes on after what was acknowledged, where the server has forgotten that', () => {
    const outbox = outboxOf(3);
    outbox.take(9, now);
    outbox.ack(2);
    expect(outbox.resume(0)).toEqual([]);
    expect(seqs(outbox.take(9, now))).toEqual([3]);
  });
});

describe('an entry that fails', () => {
  it('is told once, and is not sent any more', () => {
    const outbox = outboxOf(2);
    expect(outbox.fail(1, error)).toEqual([{ kind: 'failed', tabId: 'a', tabSeq: 1, error }]);
    expect(outbox.fail(1, error)).toEqual([]);
    expect(outbox.fail(99, error)).toEqual([]);
    expect(seqs(outbox.take(9, now))).toEqual([2]);
    expect(outbox.pending).toEqual({ entries: 1, bytes: 10 });
  });

  it('is passed over, however many there are that nobody will ever acknowledge', () => {
    const outbox = new Outbox({ maxEntries: 10, maxBytes: 1e6 }, 0);
    for (let tabSeq = 1; tabSeq <= 10_000; tabSeq++) {
      const entry = outbox.append(draft(tabSeq)) as Entry;
      outbox.fail(entry.seq, error);
    }
    outbox.append(draft(10_001));
    outbox.stored(10_001);
    expect(outbox.pending).toEqual({ entries: 1, bytes: 10 });
    expect(seqs(outbox.take(1, now))).toEqual([10_001]);
    expect(outbox.tabSeqs('a')).toEqual({ takenUpTo: 10_001, storedUpTo: 10_001, ackedUpTo: 10_000 });
  });

  it('is the largest one under way, where a frame was too large', () => {
    const outbox = new Outbox({ maxEntries: 9, maxBytes: 999 }, 0);
    for (const [index, length] of [5, 30, 20, 90].entries()) {
      outbox.append(draft(index + 1, { json: 'x'.repeat(length) }));
    }
    outbox.stored(3);
    outbox.take(9, now);
    expect([1, 2, 3, 4].flatMap(() => outbox.failLargestUnderWay(error))).toEqual([
      failed(2, 'rejected'),
      failed(3, 'rejected'),
      failed(1, 'rejected'),
    ]);
  });
});

describe('what a tab that attaches anew has to know', () => {
  const seqsOf = (outbox: Outbox, tabId = 'a') => {
    const { takenUpTo, storedUpTo, ackedUpTo } = outbox.tabSeqs(tabId);
    return [takenUpTo, storedUpTo, ackedUpTo];
  };

  it('is all nought for a tab that is unknown', () => {
    expect(outboxOf(3).tabSeqs('b')).toEqual({ takenUpTo: 0, storedUpTo: 0, ackedUpTo: 0 });
  });

  it('is acknowledged before the first entry without a fate, of each tab', () => {
    const outbox = outboxOf(3);
    outbox.append(draft(1, { tabId: 'b' }));
    expect([seqsOf(outbox), seqsOf(outbox, 'b')]).toEqual([
      [3, 3, 0],
      [1, 0, 0],
    ]);
    outbox.fail(1, error);
    expect(seqsOf(outbox)).toEqual([3, 3, 1]);
    outbox.fail(3, error);
    expect(seqsOf(outbox)).toEqual([3, 3, 1]);
    outbox.ack(4);
    expect([seqsOf(outbox), seqsOf(outbox, 'b')]).toEqual([
      [3, 3, 3],
      [1, 1, 1],
    ]);
  });

  it('is stored before the first entry that the store has not confirmed', () => {
    const outbox = outboxOf(2);
    for (const tabSeq of [3, 4, 5]) outbox.append(draft(tabSeq));
    expect(seqsOf(outbox)).toEqual([5, 2, 0]);
    outbox.ack(1);
    expect(seqsOf(outbox)).toEqual([5, 2, 1]);
    outbox.fail(3, error);
    expect(seqsOf(outbox)).toEqual([5, 3, 1]);
    outbox.stored(4);
    expect(seqsOf(outbox)).toEqual([5, 4, 1]);
    outbox.ack(5);
    expect(seqsOf(outbox)).toEqual([5, 5, 5]);
  });

  it('counts an entry that was refused as taken, since its failure is told apart', () => {
    const outbox = new Outbox({ maxEntries: 1, maxBytes: 999 }, 0);
    outbox.append(draft(1));
    outbox.append(draft(2));
    expect(seqsOf(outbox)).toEqual([2, 0, 0]);
    outbox.ack(1);
    expect(seqsOf(outbox)).toEqual([2, 2, 2]);
  });
});

describe('expiry', () => {
  it('fails what is over and says when the next entry will be', () => {
    const outbox = new Outbox({ maxEntries: 9, maxBytes: 999 }, 0);
    for (const [index, expiresAt] of [900, null, 1_000, 5_000, 3_000].entries()) {
      outbox.append(draft(index + 1, { expiresAt }));
    }
    expect(outbox.expire(now)).toEqual({
      fates: [failed(1, 'expired'), failed(3, 'expired')],
      nextAt: 3_000,
    });
    expect(outbox.expire(9_000).nextAt).toBeNull();
  });

  it('never fails an entry that the server may have, before the server has said that it has not', () => {
    const outbox = outboxOf(3, { expiresAt: now });
    outbox.take(1, now - 1);
    expect(outbox.expire(now).fates).toEqual([failed(2, 'expired'), failed(3, 'expired')]);
    outbox.resume(0);
    expect(outbox.expire(now).fates).toEqual([failed(1, 'expired')]);
  });
});

describe('the memory of tabs that have gone', () => {
  it('is bounded, and forgets those that were silent for longest', () => {
    const outbox = new Outbox({ maxEntries: 1e5, maxBytes: 1e9 }, 0);
    for (let index = 0; index <= coreLimits.rememberedTabs; index++) {
      outbox.append(draft(1, { tabId: `tab${index}` }));
      outbox.append(draft(index + 1, { tabId: 'busy' }));
    }
    expect(outbox.lastTabSeq('tab0')).toBe(0);
    expect(outbox.lastTabSeq('busy')).toBe(coreLimits.rememberedTabs + 1);
  });
});
