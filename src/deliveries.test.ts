import { describe, expect, it } from 'vitest';
import type { TabOp } from '../worker/core/hub-api.ts';
import { createDeliveries } from './deliveries.ts';
import { failure } from './failure.ts';
import type { ConnectionError } from './protocol/errors.ts';
import { partsWorld } from './testing/parts-world.ts';
import type { PublishOptions } from './types.ts';

const error = failure('rejected', 'no');
const lost = failure('hub-lost', 'gone');

/** A tab that has published entries 1 to `count`, and what became of each promise. */
function deliveriesOf(count: number, maxPending = 1_000) {
  const pushed: TabOp[] = [];
  const dropped: number[] = [];
  const fates: Record<string, string> = {};
  let ended: ConnectionError | null = null;
  const withdrawn: string[] = [];
  const withdraw = async (id: string) => withdrawn.push(id) > 0;
  const outlet = { world: partsWorld, push: (op: TabOp) => void pushed.push(op), ended: () => ended };
  const deliveries = createDeliveries(outlet, maxPending, withdraw, ({ tabSeq }) => dropped.push(tabSeq));
  const publish = (tabSeq: number, options?: PublishOptions) => {
    const delivery = deliveries.publish('t', { tabSeq }, options);
    for (const name of ['stored', 'acked'] as const) {
      delivery[name].then(
        () => (fates[`${tabSeq} ${name}`] = 'yes'),
        (cause: { code: string }) => (fates[`${tabSeq} ${name}`] = cause.code),
      );
    }
  };
  for (let tabSeq = 1; tabSeq <= count; tabSeq++) publish(tabSeq);
  const end = (cause: ConnectionError) => (ended = cause);
  /** The entries from `first` to `last` go out to the hub. */
  const goOut = (first: number, last: number) => {
    for (const op of pushed.slice(first - 1, last)) if (op.kind === 'publish') deliveries.pushed(op);
  };
  return { deliveries, publish, end, goOut, pushed, dropped, withdrawn, fates };
}

const settle = async () => {
  for (let turn = 0; turn < 5; turn++) await Promise.resolve();
};
const tabSeqs = (ops: readonly TabOp[]) => ops.map((op) => op.kind === 'publish' && op.tabSeq);

describe('a delivery', () => {
  it('is stored, then acknowledged, cumulatively', async () => {
    const { deliveries, fates } = deliveriesOf(3);
    deliveries.stored(2);
    await settle();
    expect(fates).toEqual({ '1 stored': 'yes', '2 stored': 'yes' });
    deliveries.acked(1);
    await settle();
    expect(fates['1 acked']).toBe('yes');
    expect(fates['2 acked']).toBeUndefined();
  });

  it('that is acknowledged is stored too', async () => {
    const { deliveries, fates } = deliveriesOf(1);
    deliveries.acked(1);
    await settle();
    expect(fates).toEqual({ '1 stored': 'yes', '1 acked': 'yes' });
  });

  it('that failed rejects, is told of once, and leaves the others alone', async () => {
    const { deliveries, dropped, fates } = deliveriesOf(3);
    deliveries.drop(2, error);
    deliveries.drop(2, error);
    deliveries.acked(3);
    await settle();
    expect(fates).toMatchObject({
      '1 acked': 'yes',
      '2 stored': 'rejected',
      '2 acked': 'rejected',
      '3 acked': 'yes',
    });
    expect([dropped, deliveries.resume(0)]).toEqual([[2], []]);
  });

  it('that was stored before it failed stays stored', async () => {
    const { deliveries, fates } = deliveriesOf(1);
    deliveries.stored(1);
    deliveries.drop(1, error);
    await settle();
    expect(fates).toEqual({ '1 stored': 'yes', '1 acked': 'rejected' });
  });

  it('is no unhandled rejection where nobody awaits it', async () => {
    const deliveries = createDeliveries(
      { world: partsWorld, push: () => {}, ended: () => error },
      1,
      async () => false,
      () => {},
    );
    deliveries.publish('t', 1);
    await new Promise((done) => setImmediate(done));
    expect(deliveries.resume(0)).toEqual([]);
  });
});

describe('a publish', () => {
  it('tells the hub of the entry, with the next tab sequence and an id of its own', () => {
    const { deliveries, pushed } = deliveriesOf(1);
    const { id } = deliveries.publish('u', new Uint8Array([1]), { ttlMs: 50 });
    expect(pushed).toMatchObject([
      { kind: 'publish', tabSeq: 1, topic: 't', json: '{"tabSeq":1}' },
      { kind: 'publish', tabSeq: 2, topic: 'u', id, ttlMs: 50, bytes: new Uint8Array([1]).buffer },
    ]);
    expect(id).toMatch(/^[-0-9a-f]{36}-2$/);
  });

  it('tells the hub how the entry is to be treated', () => {
    const { pushed, publish } = deliveriesOf(0);
    publish(1, { coalesceKey: 'x'.repeat(128), ttlMs: 5 });
    publish(2, { volatile: true });
    expect(pushed).toMatchObject([{ coalesceKey: 'x'.repeat(128), ttlMs: 5 }, { volatile: true }]);
  });

  it('can be taken back by its id', async () => {
    const { deliveries, withdrawn } = deliveriesOf(0);
    const { id, cancel } = deliveries.publish('t', 1);
    await expect(cancel()).resolves.toBe(true);
    expect(withdrawn).toEqual([id]);
  });

  it('fails above the bound of entries without a fate, and the hub hears nothing of it', async () => {
    const { deliveries, publish, pushed, dropped, fates } = deliveriesOf(3, 2);
    await settle();
    expect([fates, dropped]).toEqual([{ '3 stored': 'queue-full', '3 acked': 'queue-full' }, [3]]);
    deliveries.acked(1);
    publish(4);
    expect(tabSeqs(pushed)).toEqual([1, 2, 4]);
  });

  it('fails once the tab has left', async () => {
    const { publish, end, pushed, fates } = deliveriesOf(0);
    end(failure('closed', 'left'));
    publish(1);
    await settle();
    expect([pushed, fates['1 stored'], fates['1 acked']]).toEqual([[], 'closed', 'closed']);
  });

  it.each<[string, readonly [string, unknown, object?]]>([
    ['no topic', ['', 1]],
    ['a topic that is too long', ['x'.repeat(257), 1]],
    ['no JSON', ['t', undefined]],
    ['no time to live', ['t', 1, { ttlMs: 0 }]],
    ['an empty key to coalesce by', ['t', 1, { coalesceKey: '' }]],
    ['a key that is too long', ['t', 1, { coalesceKey: 'x'.repeat(129) }]],
    ['a volatility that is neither true nor false', ['t', 1, { volatile: 'yes' }]],
  ])('throws with %s, and takes no tab sequence', (_, [topic, payload, options]) => {
    const { deliveries, publish, pushed } = deliveriesOf(0);
    expect(() => deliveries.publish(topic, payload, options)).toThrow(/./);
    publish(1);
    expect(tabSeqs(pushed)).toEqual([1]);
  });
});

describe('an attachment to a hub', () => {
  it('that knows this tab is told only what it has not taken, stored or not', () => {
    const { deliveries } = deliveriesOf(4);
    deliveries.stored(1);
    expect(tabSeqs(deliveries.resume(3))).toEqual([4]);
    expect(tabSeqs(deliveries.resume(4))).toEqual([]);
  });

  it('that has not taken what was stored is told it again, and nothing that has its fate', () => {
    const { deliveries } = deliveriesOf(5);
    deliveries.acked(1);
    deliveries.stored(4);
    deliveries.drop(3, error);
    expect(tabSeqs(deliveries.resume(0))).toEqual([2, 4, 5]);
  });
});

describe('a volatile delivery', () => {
  it('is stored when it is acknowledged, and not before', async () => {
    const { deliveries, publish, fates } = deliveriesOf(0);
    publish(1, { volatile: true });
    publish(2);
    deliveries.stored(2);
    await settle();
    expect(fates).toEqual({ '2 stored': 'yes' });
    deliveries.acked(1);
    await settle();
    expect(fates).toEqual({ '1 stored': 'yes', '1 acked': 'yes', '2 stored': 'yes' });
  });

  it('that went out is lost with its hub, whatever the next one has taken', async () => {
    const { deliveries, publish, goOut, dropped, fates } = deliveriesOf(0);
    publish(1, { volatile: true });
    publish(2);
    publish(3, { volatile: true });
    publish(4, { volatile: true });
    goOut(1, 3);
    deliveries.hubLost(2, false, lost);
    deliveries.acked(2);
    await settle();
    expect(dropped).toEqual([1, 3]);
    expect(fates).toMatchObject({ '1 stored': 'hub-lost', '1 acked': 'hub-lost', '2 acked': 'yes' });
    expect(tabSeqs(deliveries.resume(2))).toEqual([4]);
  });
});

describe('the death of a hub', () => {
  it('loses nothing where the next one has what was stored: the rest is told again, in order', async () => {
    const { deliveries, goOut, dropped } = deliveriesOf(5);
    goOut(1, 4);
    deliveries.stored(2);
    deliveries.hubLost(3, false, lost);
    expect(dropped).toEqual([]);
    expect(tabSeqs(deliveries.resume(3))).toEqual([4, 5]);
  });

  it('loses what was stored and is there no more, and tells again what may never have been', async () => {
    const { deliveries, goOut, dropped, fates } = deliveriesOf(5);
    goOut(1, 4);
    deliveries.stored(3);
    deliveries.hubLost(1, false, lost);
    await settle();
    expect(dropped).toEqual([2, 3]);
    expect(fates['2 acked']).toBe('hub-lost');
    expect(tabSeqs(deliveries.resume(1))).toEqual([4, 5]);
  });

  it('that kept its outbox in memory loses all that went out and is not in the store of the next', async () => {
    const { deliveries, goOut, dropped, fates } = deliveriesOf(5);
    goOut(1, 4);
    deliveries.stored(2);
    deliveries.hubLost(1, true, lost);
    await settle();
    expect(dropped).toEqual([2, 3, 4]);
    expect(fates['3 stored']).toBe('hub-lost');
    expect(tabSeqs(deliveries.resume(1))).toEqual([5]);
  });

  it('takes along nothing that had its fate', async () => {
    const { deliveries, goOut, dropped } = deliveriesOf(2);
    goOut(1, 2);
    deliveries.acked(1);
    deliveries.drop(2, error);
    deliveries.hubLost(0, true, lost);
    expect(dropped).toEqual([2]);
  });
});

describe('the end', () => {
  it('rejects all that has no fate', async () => {
    const { deliveries, dropped, fates } = deliveriesOf(2);
    deliveries.acked(1);
    deliveries.end(failure('closed', 'left'));
    await settle();
    expect(dropped).toEqual([2]);
    expect(fates).toMatchObject({ '1 acked': 'yes', '2 acked': 'closed' });
  });

  it('may wait for what is still to be stored, whether that comes to pass or not', async () => {
    const { deliveries } = deliveriesOf(2);
    let isSettled = false;
    const waiting = deliveries.allStored().then(() => (isSettled = true));
    deliveries.stored(1);
    await settle();
    expect(isSettled).toBe(false);
    deliveries.drop(2, error);
    await waiting;
    expect(isSettled).toBe(true);
  });
});
