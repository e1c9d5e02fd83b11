import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { defaultLimits, transferOverheadBytes } from './limits.ts';
import { newStats } from './stats.ts';
import { TransferStore } from './transfer-store.ts';
import { VirtualClock } from './virtual-clock.ts';

/** So large that what is counted for each transfer matters little. */
const unit = 1_000_000;

const limits = {
  ...defaultLimits,
  transferBytes: unit,
  transfers: 3,
  totalTransferBytes: 2 * unit + 4 * transferOverheadBytes,
  transferMemoryMs: 1000,
};

let clock: VirtualClock;
let stats: ReturnType<typeof newStats>;
let store: TransferStore;

beforeEach(() => {
  clock = new VirtualClock();
  stats = newStats();
  store = new TransferStore(clock, limits, stats);
});

/** Offers, and sends a share of a unit. Returns what was there before, or the code of the refusal. */
function send(key: string, id: string, share: number, size = unit): number | string {
  const offered = store.offer(key, id, size);
  if (offered.kind === 'refused') return offered.refusal.code;
  const { received } = offered.transfer;
  const bytes = new Uint8Array(share * unit);
  return share === 0 || store.append(key, offered.transfer, bytes) ? received / unit : 'no room';
}

describe('the transfers of a client', () => {
  it('are kept for a while when it is away, but for those of which nothing has come', () => {
    store.enter('k');
    for (const [id, length] of [
      ['a', 0.25],
      ['b', 0],
    ] as const)
      send('k', id, length);
    store.leave('k');
    expect(store.ids('k')).toEqual(['a']);
    clock.advance(999);
    store.enter('k');
    expect(send('k', 'a', 0.25)).toBe(0.25);
    clock.advance(5000);
    store.leave('k');
    clock.advance(1000);
    store.enter('other');
    expect(store.ids('k')).toEqual([]);
    expect(stats.transferBytes).toBe(0);
  });

  it('are the first to make room when it is away, the longest gone before all others', () => {
    for (const key of ['a', 'b']) expect(send(key, 'x', 0.875)).toBe(0);
    store.leave('b');
    store.leave('a');
    expect(send('c', 'x', 0.25)).toBe(0);
    expect(send('c', 'x', 0.125)).toBe(0.25);
    expect(['a', 'b'].map((key) => store.ids(key).length)).toEqual([1, 0]);
    expect(send('c', 'x', 0.5)).toBe(0.375);
    expect(store.ids('a')).toEqual(['x']);
  });

  it('lose no room to an offer alone', () => {
    send('a', 'x', 1);
    send('b', 'x', 1);
    store.leave('a');
    for (const id of ['x', 'y']) send('c', id, 0);
    expect(store.ids('a')).toEqual(['x']);
    expect(send('c', 'x', 1)).toBe(0);
    expect(store.ids('a')).toEqual([]);
  });

  it('of an earlier connection make room for new ones, the oldest first, and others do not', () => {
    store.enter('k');
    for (const id of ['a', 'b', 'c']) send('k', id, 0.125);
    expect(send('k', 'd', 0.125)).toBe('limit');
    store.enter('k');
    expect(send('k', 'a', 0)).toBe(0.125);
    expect(send('k', 'd', 0.125)).toBe(0);
    expect(store.ids('k')).toEqual(['a', 'c', 'd']);
    expect(send('k', 'e', 0.125)).toBe(0);
    expect(send('k', 'f', 0.125)).toBe('limit');
    expect(store.ids('k')).toEqual(['a', 'd', 'e']);
  });

  it('take no more than there is, once nobody is away', () => {
    send('a', 'x', 1);
    send('b', 'x', 1);
    expect(send('c', 'x', 0)).toBe('limit');
    expect(send('c', 'x', 0, unit + 1)).toBe('too-large');
  });
});

describe('the count of bytes', () => {
  it('is that of what is kept, within its bound, whatever happens', () => {
    const key = fc.constantFrom('a', 'b', 'c');
    const id = fc.constantFrom('x', 'y', 'z', 'w');
    const command = fc.oneof(
      fc.record({ act: fc.constant('send' as const), key, id, eighths: fc.nat(5) }),
      fc.record({ act: fc.constantFrom('enter' as const, 'leave' as const, 'drop' as const), key, id }),
      fc.record({ act: fc.constant('wait' as const), ms: fc.nat(600) }),
    );
    fc.assert(
      fc.property(fc.array(command, { maxLength: 60 }), (commands) => {
        clock = new VirtualClock();
        stats = newStats();
        store = new TransferStore(clock, limits, stats);
        for (const step of commands) {
          if (step.act === 'wait') clock.advance(step.ms);
          if (step.act === 'drop') store.drop(step.key, step.id);
          if (step.act === 'leave') store.leave(step.key);
          if (step.act === 'enter') store.enter(step.key);
          if (step.act === 'send') {
            store.enter(step.key);
            send(step.key, step.id, step.eighths / 8);
          }
          expect(stats.transferBytes).toBeGreaterThanOrEqual(0);
          expect(stats.transferBytes).toBeLessThanOrEqual(limits.totalTransferBytes);
        }
        for (const each of ['a', 'b', 'c']) {
          expect(store.ids(each).length).toBeLessThanOrEqual(limits.transfers);
          for (const name of store.ids(each)) store.drop(each, name);
        }
        expect(stats.transferBytes).toBe(0);
        // With everything gone, there is room for all of it again.
        expect([send('a', 'x', 1), send('b', 'x', 1)]).toEqual([0, 0]);
      }),
    );
  });
});
