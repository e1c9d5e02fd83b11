import { describe, expect, it } from 'vitest';
import { chunkBytes } from '../../src/protocol/limits.ts';
import type { TabOp } from './hub-api.ts';
import type { LargeContent } from './payload-types.ts';
import type { HubEffect } from './hub-types.ts';
import * as coreLimits from './limits.ts';
import { testConfig } from './testing/config.ts';
import { HubDriver } from './testing/hub-driver.ts';
import { PlainStore } from './testing/plain-store.ts';

type PublishOp = Extract<TabOp, { kind: 'publish' }>;

const size = 10 * chunkBytes;
const queue = { ...testConfig.queue, maxLargeBytes: 4 * size };
const large = (bytes = size) => ({
  large: { blob: { size: bytes } as LargeContent, form: 'bytes' } as const,
});
const codes = (driver: HubDriver, tab = 'a') =>
  driver.itemsOf(tab, 'failed').map(({ tabSeq, error }) => [tabSeq, error.code]);
const sentIds = (driver: HubDriver) => driver.sent('publish').map(({ head }) => head.id);
const reads = (driver: HubDriver) => driver.all('read-chunk');

/** A connected hub whose tab a publishes large entries to topics of these names, in this order. */
function uploading(...topics: string[]): HubDriver {
  const driver = new HubDriver({ queue }).connect();
  topics.forEach((topic, index) => driver.publish('a', [index + 1], { topic, json: undefined!, ...large() }));
  return driver;
}

/** The part is read. */
const answerRead = (driver: HubDriver, { dial, transfer, at, end }: ReturnType<typeof reads>[0]) =>
  driver.run({ kind: 'chunk-read', dial, transfer, at, bytes: new ArrayBuffer(end - at) });

const chunkAck = (driver: HubDriver, transfer: string, received: number) =>
  driver.frame({ type: 'chunk-ack', transfer, received });

/** Answers reads and chunks until the server has `until` bytes of each transfer. */
function carry(driver: HubDriver, until = size): void {
  const done = new Set<HubEffect>();
  const told = new Set<string>();
  for (let isBusy = true; isBusy;) {
    isBusy = false;
    for (const read of reads(driver)) {
      if (done.has(read) || read.end > until) continue;
      done.add(read);
      isBusy = true;
      answerRead(driver, read);
      const key = `${read.transfer} ${read.end}`;
      if (!told.has(key)) chunkAck(driver, read.transfer, read.end);
      told.add(key);
    }
  }
}

const transferLost = { code: 'transfer-lost', message: 'gone', retryable: true };

describe('a large entry', () => {
  it('is offered once it is stored, and is published when the server has all of it', () => {
    const driver = new HubDriver({ queue }).connect();
    driver.storesAtOnce = false;
    driver.publish('a', [1], { json: undefined!, ...large() });
    expect(driver.sent('offer')).toEqual([]);
    driver.commit();
    driver.storesAtOnce = true;
    expect(driver.sent('offer')).toMatchObject([{ head: { transfer: 'a1', topic: 't', size } }]);
    expect(driver.itemsOf('a', 'stored')).toMatchObject([{ upTo: 1 }]);
    chunkAck(driver, 'a1', 0);
    carry(driver);
    expect(driver.sent('chunk').map(({ head, bytes }) => [head.at, bytes!.byteLength])).toEqual(
      Array.from({ length: 10 }, (_, index) => [index * chunkBytes, chunkBytes]),
    );
    expect(driver.sent('publish')).toMatchObject([
      { head: { id: 'a1', payload: null, transfer: { id: 'a1', size, form: 'bytes' } } },
    ]);
    driver.frame({ type: 'ack', seq: driver.sent('publish')[0]!.head.seq });
    expect(driver.itemsOf('a', 'acked')).toEqual([{ kind: 'acked', upTo: 1 }]);
    expect(driver.status.queue).toEqual({ entries: 0, bytes: 0 });
  });

  it('has at most four chunks under way, with all others of its connection', () => {
    const driver = uploading('t', 'u', 'v');
    expect(driver.sent('offer').map(({ head }) => head.transfer)).toEqual(['a1', 'a2']);
    for (const transfer of ['a1', 'a2']) chunkAck(driver, transfer, 0);
    for (let next = reads(driver)[0], index = 0; next; next = reads(driver)[++index])
      answerRead(driver, next);
    expect(driver.sent('chunk')).toHaveLength(4);
    expect(new Set(driver.sent('chunk').map(({ head }) => head.transfer))).toEqual(new Set(['a1', 'a2']));
  });

  it('waits while the socket is congested, and other entries pass it', () => {
    const driver = uploading('t');
    const { dial } = driver.hub.connection;
    driver.run({ kind: 'congestion', dial, isCongested: true });
    chunkAck(driver, 'a1', 0);
    expect(reads(driver)).toEqual([]);
    driver.run({ kind: 'congestion', dial, isCongested: false });
    expect(reads(driver)).toHaveLength(1);
    driver.publish('a', [2], { topic: 'chat' });
    expect(sentIds(driver)).toEqual(['a2']);
  });

  it('holds back what is published to its topic, until it is acknowledged', () => {
    const driver = uploading('t');
    driver.publish('a', [2]);
    driver.publish('a', [3], { topic: 'u' });
    chunkAck(driver, 'a1', 0);
    carry(driver);
    expect(sentIds(driver)).toEqual(['a3', 'a1']);
    driver.frame({ type: 'ack', seq: driver.sent('publish')[0]!.head.seq });
    expect(driver.itemsOf('a', 'acked')).toEqual([{ kind: 'acked', upTo: 3, but: [1, 2] }]);
    expect(driver.hub.outbox.tabSeqs('a')).toEqual({
      takenUpTo: 3,
      storedUpTo: 3,
      ackedUpTo: 3,
      but: [1, 2],
    });
    driver.frame({ type: 'ack', seq: driver.sent('publish')[1]!.head.seq });
    expect(sentIds(driver)).toEqual(['a3', 'a1', 'a2']);
    driver.frame({ type: 'ack', seq: driver.sent('publish')[2]!.head.seq });
    expect(driver.itemsOf('a', 'acked').slice(1)).toEqual([
      { kind: 'acked', upTo: 1 },
      { kind: 'acked', upTo: 2 },
    ]);
  });

  it('goes on after a loss where the server is', () => {
    const driver = uploading('t');
    chunkAck(driver, 'a1', 0);
    carry(driver, 6 * chunkBytes);
    const stale = reads(driver).at(-1)!;
    driver.lost();
    driver.forget();
    driver.reopen();
    answerRead(driver, stale);
    expect(driver.sent('offer')).toHaveLength(1);
    expect(driver.sent('chunk')).toEqual([]);
    chunkAck(driver, 'a1', 5 * chunkBytes);
    expect(reads(driver)).toMatchObject([{ at: 5 * chunkBytes }]);
  });

  it('is held again, in front of what waits for it, when the server has lost its content', () => {
    const driver = uploading('t');
    driver.publish('a', [2]);
    chunkAck(driver, 'a1', 0);
    carry(driver);
    const { seq } = driver.sent('publish')[0]!.head;
    driver.frame({ type: 'nack', seq, payload: transferLost }, { type: 'ack', seq });
    expect(sentIds(driver)).toEqual(['a1']);
    expect(driver.sent('offer').map(({ head }) => head.transfer)).toEqual(['a1', 'a1']);
    expect(driver.itemsOf('a', 'acked').at(-1)).toEqual({ kind: 'acked', upTo: 1, but: [1] });
    driver.forget();
    chunkAck(driver, 'a1', 0);
    carry(driver);
    driver.frame({ type: 'ack', seq: driver.sent('publish')[0]!.head.seq });
    expect(sentIds(driver)).toEqual(['a1', 'a2']);
    expect(codes(driver)).toEqual([]);
  });

  it('is sent by the next hub, with what waits behind it, in order', () => {
    const first = uploading('t', 't');
    first.publish('b', [1], { topic: 't' });
    first.publish('a', [3, 4]);
    chunkAck(first, 'a1', 0);
    carry(first);
    first.frame({ type: 'nack', seq: first.sent('publish')[0]!.head.seq, payload: transferLost });
    const store = new PlainStore();
    for (const { change } of first.all('persist')) store.write(change);
    const next = new HubDriver({ queue }, store.open());
    next.connect('c');
    for (const id of ['a1', 'a2']) {
      expect(next.sent('offer').at(-1)!.head.transfer).toBe(id);
      chunkAck(next, id, size);
      next.frame({ type: 'ack', seq: next.sent('publish').at(-1)!.head.seq });
    }
    expect(sentIds(next).filter((id) => id !== 'b1')).toEqual(['a1', 'a2', 'a3', 'a4']);
  });

  it('is stored in one place, wherever it goes', () => {
    const driver = uploading('t');
    const stored = () => {
      const store = new PlainStore();
      for (const { change } of driver.all('persist')) store.write(change);
      const { entries, held } = store.open();
      return [entries.map(({ id }) => id), held.map(({ id }) => id)];
    };
    expect(stored()).toEqual([[], ['a1']]);
    chunkAck(driver, 'a1', 0);
    carry(driver);
    expect(stored()).toEqual([['a1'], []]);
    driver.frame({ type: 'nack', seq: driver.sent('publish')[0]!.head.seq, payload: transferLost });
    expect(stored()).toEqual([[], ['a1']]);
  });

  it('that an earlier hub put behind a later entry is not acknowledged with that', () => {
    const first = uploading('t');
    first.publish('a', [2], { topic: 'u' });
    chunkAck(first, 'a1', 0);
    carry(first);
    const store = new PlainStore();
    for (const { change } of first.all('persist')) store.write(change);
    const next = new HubDriver({ queue }, store.open()).connect();
    expect(sentIds(next)).toEqual(['a2', 'a1']);
    next.frame({ type: 'ack', seq: next.sent('publish')[0]!.head.seq });
    expect(next.itemsOf('a', 'acked')).toEqual([{ kind: 'acked', upTo: 2, but: [1] }]);
    next.frame({ type: 'ack', seq: next.sent('publish')[1]!.head.seq });
    expect(next.itemsOf('a', 'acked').at(-1)).toEqual({ kind: 'acked', upTo: 1 });
  });

  it('goes at once when it is empty', () => {
    const driver = new HubDriver({ queue }).connect();
    driver.publish('a', [1], { json: undefined!, ...large(0) });
    chunkAck(driver, 'a1', 0);
    expect(sentIds(driver)).toEqual(['a1']);
  });

  it('tells its tab how far it is, a hundred times at most', () => {
    const driver = new HubDriver({ queue: { ...queue, maxLargeBytes: 1e9 } }).connect();
    const bytes = 500 * chunkBytes;
    driver.publish('a', [1], { json: undefined!, ...large(bytes) });
    chunkAck(driver, 'a1', 0);
    carry(driver, bytes);
    const ratios = driver.itemsOf('a', 'uploaded').map(({ ratio }) => ratio);
    expect(ratios.length).toBeLessThanOrEqual(100);
    expect(ratios).toEqual(ratios.toSorted((a, b) => a - b));
    expect(ratios.at(-1)).toBe(1);
  });
});

describe('a large entry that fails while there is no connection', () => {
  it('has its transfer given up by the next one', () => {
    const driver = uploading('t', 'u');
    chunkAck(driver, 'a1', 0);
    driver.lost();
    driver.ops('a', { kind: 'withdraw', id: 'w', entryId: 'a1' });
    driver.reopen({ features: ['batch', 'chunks'] });
    expect(driver.sent('abandon').map(({ head }) => head.transfer)).toEqual(['a1']);
    expect(driver.sent('offer').at(-1)!.head.transfer).toBe('a2');
  });
});

describe('a database that cannot be written', () => {
  const health = (driver: HubDriver, durability: 'strict' | 'memory') =>
    driver.run({ kind: 'store-health', health: { durability, error: null } });
  /** Its content has come, and it leaves for the log in a commit that is under way, with what waited behind it. */
  const leaving = (): HubDriver => {
    const driver = uploading('t');
    driver.publish('a', [2, 3]);
    chunkAck(driver, 'a1', 0);
    driver.storesAtOnce = false;
    carry(driver);
    return driver;
  };
  const stored = (driver: HubDriver): PlainStore => {
    const store = new PlainStore();
    for (const { change } of driver.all('persist')) store.write(change);
    return store;
  };

  it('keeps what it holds: that is sent when it can be written, once', () => {
    const driver = leaving();
    health(driver, 'memory');
    driver.commit();
    driver.storesAtOnce = true;
    expect(sentIds(driver)).toEqual([]);
    expect(stored(driver).open()).toMatchObject({
      entries: [],
      held: [
        { id: 'a1', seq: 1 },
        { id: 'a2', seq: 2 },
        { id: 'a3', seq: 3 },
      ],
    });
    health(driver, 'strict');
    expect(driver.sent('offer')).toHaveLength(2);
    chunkAck(driver, 'a1', size);
    driver.frame({ type: 'ack', seq: driver.sent('publish')[0]!.head.seq });
    expect(sentIds(driver)).toEqual(['a1', 'a2', 'a3']);
  });

  it('keeps in their order what left for the log behind a large entry', () => {
    const driver = uploading('t');
    driver.publish('a', [2]);
    chunkAck(driver, 'a1', 0);
    carry(driver);
    driver.storesAtOnce = false;
    driver.frame({ type: 'ack', seq: driver.sent('publish')[0]!.head.seq });
    driver.publish('a', [3]);
    driver.publish('a', [4], { topic: 'other' });
    health(driver, 'memory');
    driver.commit();
    expect(sentIds(driver)).toEqual(['a1', 'a4']);
    expect(
      stored(driver)
        .open()
        .held.map(({ id }) => id),
    ).toEqual(['a2', 'a3']);
    driver.publish('a', [5]);
    driver.commit();
    health(driver, 'strict');
    driver.commit();
    expect(sentIds(driver)).toEqual(['a1', 'a4', 'a2', 'a3', 'a5']);
  });

  it('finishes no transfer of what it holds, and holds up nothing that is in memory alone', () => {
    const driver = uploading('t');
    chunkAck(driver, 'a1', 0);
    health(driver, 'memory');
    carry(driver);
    driver.publish('a', [2], { topic: 'u', json: undefined!, ...large() });
    chunkAck(driver, 'a2', size);
    expect(sentIds(driver)).toEqual(['a2']);
    health(driver, 'strict');
    expect(sentIds(driver)).toEqual(['a2', 'a1']);
  });
});

describe('a large entry that fails', () => {
  it.each([
    ['forbidden', 'forbidden'],
    ['too-large', 'too-large'],
  ])('because the server refuses the offer (%s) does so before a byte is sent', (code, told) => {
    const driver = uploading('t');
    driver.publish('a', [2]);
    const re = driver.sent('offer')[0]!.head.id;
    driver.frame({ type: 'error', re, topic: 't', payload: { code, message: 'no' } });
    expect(codes(driver)).toEqual([[1, told]]);
    expect(reads(driver)).toEqual([]);
    expect(sentIds(driver)).toEqual(['a2']);
  });

  it('for want of room at the server is offered again later', () => {
    const driver = uploading('t');
    const re = driver.sent('offer')[0]!.head.id;
    driver.frame({ type: 'error', re, payload: { code: 'limit', message: 'later', retryable: true } });
    expect(driver.sent('offer')).toHaveLength(1);
    driver.advance(coreLimits.uploadRetryMs);
    expect(driver.sent('offer')).toHaveLength(2);
    expect(codes(driver)).toEqual([]);
  });

  it('because it is taken back gives its transfer up, and lets through what waited', () => {
    const driver = uploading('t');
    driver.publish('a', [2]);
    chunkAck(driver, 'a1', 0);
    driver.ops('a', { kind: 'withdraw', id: 'w', entryId: 'a1' });
    expect(driver.sent('abandon')).toMatchObject([{ head: { transfer: 'a1' } }]);
    expect(codes(driver)).toEqual([[1, 'cancelled']]);
    answerRead(driver, reads(driver)[0]!);
    expect(driver.sent('chunk')).toEqual([]);
    expect(sentIds(driver)).toEqual(['a2']);
  });

  it('because it expires does so in the middle', () => {
    const driver = new HubDriver({ queue }).connect();
    driver.publish('a', [1], { json: undefined!, ...large(), ttlMs: 1_000 });
    chunkAck(driver, 'a1', 0);
    driver.advance(1_500);
    expect(codes(driver)).toEqual([[1, 'expired']]);
    expect(driver.sent('abandon')).toHaveLength(1);
  });

  it('because its content cannot be read says so', () => {
    const driver = uploading('t');
    chunkAck(driver, 'a1', 0);
    const { dial, transfer, at } = reads(driver)[0]!;
    driver.run({ kind: 'chunk-read', dial, transfer, at, bytes: null });
    expect(codes(driver)).toEqual([[1, 'invalid-payload']]);
  });
});

describe('the bounds of an outbox', () => {
  it('count large contents apart', () => {
    const driver = new HubDriver({ queue: { ...queue, maxLargeBytes: size, maxBytes: 10 } }).connect();
    driver.publish('a', [1, 2], { topic: 't', json: undefined!, ...large() });
    driver.publish('a', [3], { json: '1234567890' });
    driver.publish('a', [4], { json: '1' });
    expect(codes(driver)).toEqual([
      [2, 'queue-full'],
      [4, 'queue-full'],
    ]);
    expect(driver.status.queue).toEqual({ entries: 2, bytes: size + 10 });
  });

  it('let the oldest large entries make room for a large one, and no small ones', () => {
    const dropOldest = { ...queue, whenFull: 'drop-oldest', maxLargeBytes: 2 * size } as const;
    const driver = new HubDriver({ queue: dropOldest });
    driver.attach('a');
    driver.publish('a', [1]);
    driver.publish('a', [2, 3, 4], { topic: 'u', json: undefined!, ...large() });
    expect(codes(driver)).toEqual([[2, 'queue-full']]);
  });

  it('block a large entry until there is room', () => {
    const driver = new HubDriver({
      queue: { ...queue, whenFull: 'block', maxLargeBytes: size },
    }).connect();
    driver.publish('a', [1, 2], { json: undefined!, ...large() } as Partial<PublishOp>);
    expect(driver.itemsOf('a', 'stored').at(-1)).toMatchObject({ upTo: 1 });
    driver.ops('a', { kind: 'withdraw', id: 'w', entryId: 'a1' });
    expect(driver.itemsOf('a', 'stored').at(-1)).toMatchObject({ upTo: 2 });
  });
});

describe('coalescing of large entries', () => {
  it('replaces one that waits, and lets one be whose content is on its way', () => {
    const driver = new HubDriver({ queue }).connect();
    const more = { json: undefined!, ...large(), coalesceKey: 'k' };
    driver.publish('a', [1], more);
    chunkAck(driver, 'a1', 0);
    driver.publish('a', [2, 3], more);
    expect(codes(driver)).toEqual([[2, 'superseded']]);
  });
});

describe('calls of other tabs', () => {
  it('list, follow and purge what is held', () => {
    const driver = uploading('t');
    driver.publish('a', [2]);
    driver.attach('b');
    driver.ops('b', { kind: 'list', id: 'l' });
    expect(driver.itemsOf('b', 'entries')[0]!.entries).toMatchObject([
      { id: 'a1', large: { blob: { size }, form: 'bytes' }, isSent: false },
      { id: 'a2', json: '1', isSent: false },
    ]);
    driver.ops('b', { kind: 'follow', id: 's', entryId: 'a2', until: 'stored' });
    driver.ops('b', { kind: 'follow', id: 'f', entryId: 'a1', until: 'acked' });
    driver.publish('a', [3], { topic: 'u' });
    driver.frame({ type: 'ack', seq: driver.sent('publish')[0]!.head.seq });
    const answered = () => driver.itemsOf('b', 'response').map(({ id }) => id);
    expect(answered()).toEqual(['s']);
    chunkAck(driver, 'a1', size);
    driver.frame({ type: 'ack', seq: driver.sent('publish')[1]!.head.seq });
    expect(answered()).toEqual(['s', 'f']);
    driver.publish('a', [4], { json: undefined!, ...large() });
    driver.ops('b', { kind: 'purge', id: 'p' });
    expect(codes(driver)).toContainEqual([4, 'purged']);
    expect(driver.status.queue).toEqual({ entries: 0, bytes: 0 });
  });
});

describe('a server without chunks', () => {
  const withoutChunks = { features: ['batch'] };

  it('gets a large entry in one frame, if that is large enough', () => {
    const driver = new HubDriver({ queue }).connect('a', withoutChunks);
    driver.publish('a', [1], { json: undefined!, ...large(100) });
    driver.publish('a', [2], { json: undefined!, ...large(70_000) });
    driver.publish('a', [3]);
    answerRead(driver, reads(driver)[0]!);
    expect(sentIds(driver)).toEqual(['a1', 'a3']);
    expect(driver.sent('publish')[0]!.bytes!.byteLength).toBe(100);
    expect(codes(driver)).toEqual([[2, 'too-large']]);
    expect(driver.sent('offer')).toEqual([]);
  });

  it('that takes the place of one with chunks gets what was ready to be published', () => {
    const driver = new HubDriver({ queue }).connect();
    driver.publish('a', [1], { json: undefined!, ...large(100) });
    chunkAck(driver, 'a1', 100);
    driver.lost();
    driver.forget();
    driver.reopen(withoutChunks);
    answerRead(driver, reads(driver)[0]!);
    expect(driver.sent('publish').map(({ head, bytes }) => [head.id, bytes?.byteLength])).toEqual([
      ['a1', 100],
    ]);
  });
});
