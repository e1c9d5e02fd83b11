import { describe, expect, it } from 'vitest';
import type { TabItem, TabOp } from '../worker/core/hub-api.ts';
import type { Large } from '../worker/core/payload-types.ts';
import { createDeliveries } from './deliveries.ts';
import { failure } from './failure.ts';
import { encodeContent, encodePayload, readContent } from './payload.ts';
import { chunkBytes } from './protocol/limits.ts';
import { createSubscription } from './subscription.ts';
import { partsWorld } from './testing/parts-world.ts';
import type { Delivery, PublishOptions } from './types.ts';

const largeOf = (payload: unknown): Large | undefined => {
  const encoded = encodeContent(payload, false);
  return 'large' in encoded ? encoded.large : undefined;
};

describe('what is published', () => {
  it.each([
    ['bytes', new Uint8Array(chunkBytes + 1).buffer, chunkBytes + 1],
    ['a view', new Uint8Array(chunkBytes + 5).subarray(2), chunkBytes + 3],
  ])('is large where it is more than a chunk of %s', async (_what, payload, bytes) => {
    const large = largeOf(payload)!;
    expect(large.form).toBe('bytes');
    expect(((await readContent(large)) as ArrayBuffer).byteLength).toBe(bytes);
  });

  it('is large where it is more than a chunk of JSON, in UTF-8', async () => {
    const text = 'é'.repeat(chunkBytes / 2);
    const large = largeOf(text)!;
    expect(large.form).toBe('json');
    expect(await readContent(large)).toBe(text);
  });

  it.each([['x'.repeat(chunkBytes - 2)], [new Uint8Array(chunkBytes)]])(
    'is not large up to a chunk',
    (payload) => {
      expect(largeOf(payload)).toBeUndefined();
    },
  );

  it('may be a Blob of any size, which keeps its type', async () => {
    const blob = new Blob(['x'], { type: 'text/x-test' });
    expect(largeOf(blob)).toEqual({ blob, form: 'blob', mime: 'text/x-test' });
    expect(largeOf(new Blob([], { type: `a/${'b'.repeat(300)}` }))).not.toHaveProperty('mime');
    expect(await readContent(largeOf(blob)!)).toBe(blob);
  });

  it('is never large where it is volatile, and then no Blob', () => {
    expect(encodeContent('x'.repeat(2 * chunkBytes), true)).toHaveProperty('json');
    expect(() => encodeContent(new Blob([]), true)).toThrow('a Blob');
  });

  it('is no Blob in a request', () => {
    expect(() => encodePayload(new Blob([]))).toThrow('a Blob');
  });

  it('comes as bytes where it says that it is JSON and is not', async () => {
    const content = await readContent({ blob: new Blob(['{']), form: 'json' });
    expect([...new Uint8Array(content as ArrayBuffer)]).toEqual([0x7b]);
  });
});

/** A tab that publishes; what it tells its hub, and which entries it wants back. */
function publisher(withdraw: (id: string) => Promise<boolean> = async () => true) {
  const pushed: TabOp[] = [];
  const withdrawn: string[] = [];
  const outlet = { world: partsWorld, push: (op: TabOp) => void pushed.push(op), ended: () => null };
  const take = (id: string) => {
    withdrawn.push(id);
    return withdraw(id);
  };
  const deliveries = createDeliveries(outlet, 100, take, () => {});
  const publish = (options?: PublishOptions) => deliveries.publish('t', 1, options);
  return { deliveries, publish, pushed, withdrawn };
}

const fateOf = (delivery: Delivery): Promise<string> =>
  delivery.acked.then(
    () => 'acked',
    ({ code }: { code: string }) => code,
  );
const isOpen = Symbol('open');
const now = (promise: Promise<unknown>) => Promise.race([promise, Promise.resolve(isOpen)]);

describe('an acknowledgement with exceptions', () => {
  it('leaves open what waits behind a large entry, until that is acknowledged too', async () => {
    const { deliveries, publish } = publisher();
    const all = Array.from({ length: 4 }, () => fateOf(publish()));
    deliveries.stored(4);
    deliveries.acked(4, [1, 3]);
    expect(await Promise.all([all[1], all[3]])).toEqual(['acked', 'acked']);
    expect(await Promise.all([now(all[0]!), now(all[2]!)])).toEqual([isOpen, isOpen]);
    deliveries.acked(1);
    expect(await all[0]).toBe('acked');
    deliveries.drop(3, failure('rejected', 'no'));
    expect(await all[2]).toBe('rejected');
    deliveries.acked(3);
  });
});

describe('a publish with a signal', () => {
  it('is taken back when that aborts, and rejects with that reason', async () => {
    const { deliveries, publish, withdrawn } = publisher();
    const abort = new AbortController();
    const delivery = publish({ signal: abort.signal });
    const fate = fateOf(delivery);
    abort.abort();
    expect(withdrawn).toEqual([delivery.id]);
    deliveries.drop(1, failure('cancelled', 'taken back'));
    expect(await fate).toBe('aborted');
  });

  it('never goes to the hub where that has aborted', async () => {
    const { publish, pushed } = publisher();
    expect(await fateOf(publish({ signal: AbortSignal.abort() }))).toBe('aborted');
    expect(pushed).toEqual([]);
  });

  it('asks the next hub where the one that was asked has died', async () => {
    const answers = [Promise.reject(failure('hub-lost', 'gone')), Promise.resolve(true)];
    const { publish, withdrawn } = publisher(() => answers.shift()!);
    const abort = new AbortController();
    publish({ signal: abort.signal });
    abort.abort();
    await Promise.resolve().then(() => {});
    expect(withdrawn).toHaveLength(2);
  });

  it('is left alone once it is acknowledged', () => {
    const { deliveries, publish, withdrawn } = publisher();
    const abort = new AbortController();
    publish({ signal: abort.signal });
    deliveries.acked(1);
    abort.abort();
    expect(withdrawn).toEqual([]);
  });
});

it('the progress of an upload is told to the one who published it', () => {
  const { deliveries, publish } = publisher();
  const ratios: number[] = [];
  publish({ onProgress: (ratio) => ratios.push(ratio) });
  publish();
  deliveries.uploaded(1, 0.5);
  deliveries.uploaded(2, 0.7);
  deliveries.acked(1);
  deliveries.uploaded(1, 1);
  expect(ratios).toEqual([0.5]);
});

describe('a subscription', () => {
  type Item = Extract<TabItem, { sub: number }>;
  const large = (offset: number, blob: Blob, form: Large['form'] = 'json'): Item => ({
    kind: 'large',
    sub: 1,
    epoch: 'e',
    offset,
    id: `m${offset}`,
    ts: 1,
    large: { blob, form },
  });
  const rows = (offset: number): Item => ({
    kind: 'messages',
    sub: 1,
    epoch: 'e',
    offset,
    rows: JSON.stringify([[`m${offset}`, 1, offset]]),
    skip: 0,
  });
  function subscribe() {
    const op = { kind: 'subscribe', sub: 1, topic: 't', replay: 0 } as const;
    const subscription = createSubscription<unknown>(
      op,
      () => {},
      () => {},
    );
    const seen: unknown[] = [];
    subscription.onMessage(({ payload }) => seen.push(payload));
    subscription.onGap(({ offset }) => seen.push(`gap ${offset}`));
    subscription.onProgress(({ topic, ratio }) => seen.push(`${topic} ${ratio}`));
    return { subscription, seen };
  }

  it('gets a large message in its place, as what it was', async () => {
    const { subscription, seen } = subscribe();
    const blob = new Blob(['x']);
    const items = [rows(1), large(2, new Blob(['{"a":1}'])), rows(3), large(4, blob, 'blob'), rows(5)];
    await Promise.all(items.map((item) => subscription.take(item)));
    expect(seen).toEqual([1, { a: 1 }, 3, blob, 5]);
    expect(subscription.take(rows(6))).toBeUndefined();
    expect(seen.at(-1)).toBe(6);
  });

  it('takes nothing that waited once it begins anew, for it comes again', async () => {
    const { subscription, seen } = subscribe();
    void subscription.take(rows(1));
    const before = [subscription.take(large(2, new Blob(['2']))), subscription.take(rows(3))];
    expect(subscription.resumeOp().since).toEqual({ epoch: 'e', offset: 1 });
    const after = [subscription.take(large(2, new Blob(['2']))), subscription.take(rows(3))];
    await Promise.all([...before, ...after]);
    expect(seen).toEqual([1, 2, 3]);
  });

  it('tells nothing more once it has ended', async () => {
    const { subscription, seen } = subscribe();
    const reading = subscription.take(large(1, new Blob(['1'])));
    subscription.close();
    await reading;
    expect(seen).toEqual([]);
  });

  it('hears how far a large message is', () => {
    const { subscription, seen } = subscribe();
    void subscription.take({ kind: 'progress', sub: 1, offset: 1, id: 'm1', received: 5, size: 10 });
    expect(seen).toEqual(['t 0.5']);
  });
});
