import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { TabItem, TabOp } from '../worker/core/hub-api.ts';
import { failure } from './failure.ts';
import * as tabLimits from './limits.ts';
import { createSubscription } from './subscription.ts';
import type { Message } from './types.ts';

const reported = vi.fn<(error: unknown) => void>();
beforeEach(() => void vi.stubGlobal('reportError', reported));
afterEach(() => {
  vi.unstubAllGlobals();
  reported.mockReset();
});

type SubscriptionItem = Extract<TabItem, { sub: number }>;

function subscribe() {
  const sent: TabOp[] = [];
  const onEnd = vi.fn<() => void>();
  const op = { kind: 'subscribe', sub: 3, topic: 't', replay: 0 } as const;
  const subscription = createSubscription<unknown>(op, (each) => sent.push(each), onEnd);
  /** Messages with the offsets from `first` to `last`; the payload is the offset. */
  const messages = (first: number, last: number, skip = 0) => {
    const rows = Array.from({ length: last - first + 1 }, (_, index) => [`m${index}`, 5, first + index]);
    subscription.take({
      kind: 'messages',
      sub: 3,
      epoch: 'e',
      offset: first,
      rows: JSON.stringify(rows),
      skip,
    });
  };
  return { subscription, sent, onEnd, messages, kinds: () => sent.map(({ kind }) => kind) };
}

const bytes = (offset: number): SubscriptionItem => ({
  kind: 'bytes',
  sub: 3,
  epoch: 'e',
  offset,
  id: 'b',
  ts: 5,
  bytes: new ArrayBuffer(1),
});
const gapItem: SubscriptionItem = {
  kind: 'gap',
  sub: 3,
  epoch: 'e',
  offset: 9,
  reason: 'history',
  missed: 4,
};

/** Offsets that a handler gets. */
function handled(subscription: ReturnType<typeof subscribe>['subscription']) {
  const offsets: number[] = [];
  const stop = subscription.onMessage(({ offset }) => offsets.push(offset));
  return { offsets, stop };
}

/** Reads `count` messages of a loop. */
async function read(iterator: AsyncIterator<Message>, count: number): Promise<number[]> {
  const offsets: number[] = [];
  while (offsets.length < count) offsets.push((await iterator.next()).value!.offset);
  return offsets;
}

describe('a handler', () => {
  it('gets every message, whole', () => {
    const { subscription, messages } = subscribe();
    const got: Message[] = [];
    subscription.onMessage((message) => got.push(message));
    messages(7, 8);
    subscription.take(bytes(9));
    expect(got).toEqual([
      { topic: 't', payload: 7, id: 'm0', offset: 7, epoch: 'e', ts: 5 },
      { topic: 't', payload: 8, id: 'm1', offset: 8, epoch: 'e', ts: 5 },
      { topic: 't', payload: new ArrayBuffer(1), id: 'b', offset: 9, epoch: 'e', ts: 5 },
    ]);
  });

  it('gets no rows that the subscription does not want', () => {
    const { subscription, messages } = subscribe();
    const { offsets } = handled(subscription);
    messages(7, 10, 2);
    expect(offsets).toEqual([9, 10]);
  });

  it('that throws does not keep messages from the others', () => {
    const { subscription, messages } = subscribe();
    subscription.onMessage(() => {
      throw new Error('of the page');
    });
    const { offsets } = handled(subscription);
    messages(1, 2);
    expect(offsets).toEqual([1, 2]);
    expect(reported).toHaveBeenCalledTimes(2);
  });

  it('gets nothing after it was taken back, and the others go on', () => {
    const { subscription, messages } = subscribe();
    const [left, stays] = [handled(subscription), handled(subscription)];
    messages(1, 1);
    left.stop();
    messages(2, 2);
    expect([left.offsets, stays.offsets]).toEqual([[1], [1, 2]]);
  });

  it('of gaps gets every gap', () => {
    const { subscription } = subscribe();
    const gaps: unknown[] = [];
    const stop = subscription.onGap((gap) => gaps.push(gap));
    subscription.take(gapItem);
    stop();
    subscription.take(gapItem);
    expect(gaps).toEqual([{ topic: 't', epoch: 'e', offset: 9, reason: 'history', missed: 4 }]);
  });
});

describe('a handler of signals', () => {
  const signal = { kind: 'signal', sub: 3, identity: 'ada', json: '{"typing":true}' } as const;

  it('gets every signal, and no message', () => {
    const { subscription, messages } = subscribe();
    const signals: unknown[] = [];
    const stop = subscription.onSignal((each) => signals.push(each));
    messages(1, 1);
    subscription.take(signal);
    stop();
    subscription.take(signal);
    expect(signals).toEqual([{ topic: 't', identity: 'ada', payload: { typing: true } }]);
  });

  it('gets nothing that came before it, nothing after the end, and nothing that loops or positions see', async () => {
    const { subscription } = subscribe();
    subscription.take({ kind: 'subscribed', sub: 3, position: { epoch: 'e', offset: 4 } });
    subscription.take(signal);
    const signals: unknown[] = [];
    subscription.onSignal((each) => signals.push(each));
    await Promise.resolve();
    const next = subscription[Symbol.asyncIterator]().next();
    expect(subscription.resumeOp().since).toEqual({ epoch: 'e', offset: 4 });
    subscription.close();
    subscription.take(signal);
    expect([signals, await next]).toEqual([[], { done: true, value: undefined }]);
  });

  it('waits for no content that is being read', async () => {
    const { subscription } = subscribe();
    const order: string[] = [];
    subscription.onMessage(() => order.push('message'));
    subscription.onSignal(() => order.push('signal'));
    const large = { blob: new Blob(['1']), form: 'json' } as const;
    const read = subscription.take({ kind: 'large', sub: 3, epoch: 'e', offset: 1, id: 'm', ts: 5, large });
    subscription.take(signal);
    await read;
    expect(order).toEqual(['signal', 'message']);
  });
});

describe('what comes early', () => {
  it('waits for the first handler, and comes before what follows', async () => {
    const { subscription, messages } = subscribe();
    messages(1, 2);
    const { offsets } = handled(subscription);
    expect(offsets).toEqual([]);
    await Promise.resolve();
    messages(3, 3);
    expect(offsets).toEqual([1, 2, 3]);
  });

  it('goes to the first that asks only', async () => {
    const { subscription, messages } = subscribe();
    messages(1, 2);
    const [first, second] = [handled(subscription), handled(subscription)];
    await Promise.resolve();
    expect([first.offsets, second.offsets]).toEqual([[1, 2], []]);
  });

  it('waits for the first loop', async () => {
    const { subscription, messages } = subscribe();
    messages(1, 2);
    const iterator = subscription[Symbol.asyncIterator]();
    expect(await read(iterator, 2)).toEqual([1, 2]);
  });

  it('holds the hub back when it is too much', async () => {
    const { subscription, messages, kinds } = subscribe();
    messages(1, tabLimits.iteratorHighWater - 1);
    expect(kinds()).toEqual([]);
    subscription.take(bytes(tabLimits.iteratorHighWater));
    messages(1, 5);
    expect(kinds()).toEqual(['pause']);
    handled(subscription);
    expect(kinds()).toEqual(['pause', 'resume']);
  });
});

describe('a loop', () => {
  it('gets every message, before and after it waits', async () => {
    const { subscription, messages } = subscribe();
    const iterator = subscription[Symbol.asyncIterator]();
    const reading = read(iterator, 3);
    messages(1, 1);
    await Promise.resolve();
    messages(2, 4);
    expect(await reading).toEqual([1, 2, 3]);
    expect(await read(iterator, 1)).toEqual([4]);
  });

  it('holds the hub back at the high-water mark, and lets it go on at the low one', async () => {
    const { subscription, messages, kinds } = subscribe();
    const iterator = subscription[Symbol.asyncIterator]();
    const first = read(iterator, 1);
    messages(1, 1);
    await first;
    messages(2, tabLimits.iteratorHighWater + 1);
    expect(kinds()).toEqual(['pause']);
    await read(iterator, tabLimits.iteratorHighWater - tabLimits.iteratorLowWater - 1);
    expect(kinds()).toEqual(['pause']);
    await read(iterator, 1);
    expect(kinds()).toEqual(['pause', 'resume']);
  });

  it('that is left does not hold the hub back any more', async () => {
    const { subscription, messages, kinds } = subscribe();
    messages(1, 1);
    for await (const { offset } of subscription) {
      expect(offset).toBe(1);
      messages(2, tabLimits.iteratorHighWater + 9);
      expect(kinds()).toEqual(['pause']);
      break;
    }
    expect(kinds()).toEqual(['pause', 'resume']);
    messages(1, 2 * tabLimits.iteratorHighWater);
    expect(kinds()).toEqual(['pause', 'resume']);
  });

  it('does not take messages from another', async () => {
    const { subscription, messages } = subscribe();
    const [first, second] = [subscription[Symbol.asyncIterator](), subscription[Symbol.asyncIterator]()];
    const reading = Promise.all([read(first, 2), read(second, 2)]);
    messages(1, 2);
    expect(await reading).toEqual([
      [1, 2],
      [1, 2],
    ]);
  });

  it('ends in peace with what it has still to read when the subscription is closed', async () => {
    const { subscription, messages } = subscribe();
    const offsets: number[] = [];
    messages(1, 2);
    subscription.close();
    for await (const { offset } of subscription) offsets.push(offset);
    expect(offsets).toEqual([1, 2]);
  });

  it('that waits ends when the subscription is closed', async () => {
    const { subscription } = subscribe();
    const next = subscription[Symbol.asyncIterator]().next();
    subscription.close();
    expect(await next).toEqual({ done: true, value: undefined });
  });

  it('ends with the error of a subscription that failed', async () => {
    const { subscription } = subscribe();
    const next = subscription[Symbol.asyncIterator]().next();
    const error = { code: 'forbidden', message: 'no', retryable: false } as const;
    subscription.take({ kind: 'refused', sub: 3, error });
    await expect(next).rejects.toMatchObject({ name: 'ConnectionError', code: 'forbidden' });
    await expect(subscription[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: 'forbidden' });
  });
});

describe('a subscription', () => {
  it('is ready once it is confirmed, and rejects where it is refused or closed before', async () => {
    const [confirmed, refused, closed] = [subscribe(), subscribe(), subscribe()];
    confirmed.subscription.take({ kind: 'subscribed', sub: 3, position: { epoch: 'e', offset: 4 } });
    const error = { code: 'forbidden', message: 'no', retryable: false } as const;
    refused.subscription.take({ kind: 'refused', sub: 3, error });
    closed.subscription.close();
    await expect(confirmed.subscription.ready).resolves.toBeUndefined();
    await expect(refused.subscription.ready).rejects.toMatchObject({ code: 'forbidden' });
    await expect(closed.subscription.ready).rejects.toMatchObject({ code: 'closed' });
  });

  it('says goodbye when it is closed, and nothing when it ends otherwise', () => {
    const [closed, lost] = [subscribe(), subscribe()];
    closed.subscription.close();
    lost.subscription.end(failure('hub-lost', 'gone'));
    expect([closed.kinds(), lost.kinds()]).toEqual([['unsubscribe'], []]);
    expect([closed.onEnd.mock.calls.length, lost.onEnd.mock.calls.length]).toEqual([1, 1]);
  });

  it('gives nothing to handlers after its end', () => {
    const { subscription, messages } = subscribe();
    const { offsets } = handled(subscription);
    subscription.close();
    messages(1, 1);
    expect(offsets).toEqual([]);
  });

  it('begins anew from the beginning, where it was confirmed, and after its last message or gap', () => {
    const { subscription, messages } = subscribe();
    const since = () => {
      const { since: position, ...op } = subscription.resumeOp();
      expect(op).toEqual({ kind: 'subscribe', sub: 3, topic: 't', replay: 0 });
      return position;
    };
    expect(since()).toBeUndefined();
    subscription.take({ kind: 'subscribed', sub: 3, position: { epoch: 'e', offset: 4 } });
    expect(since()).toEqual({ epoch: 'e', offset: 4 });
    messages(5, 6);
    subscription.take({ kind: 'subscribed', sub: 3, position: { epoch: 'e', offset: 4 } });
    expect(since()).toEqual({ epoch: 'e', offset: 6 });
    subscription.take(bytes(7));
    expect(since()).toEqual({ epoch: 'e', offset: 7 });
    subscription.take(gapItem);
    expect(since()).toEqual({ epoch: 'e', offset: 9 });
  });

  it('that begins anew is not paused at the hub, and is paused again when it has to be', () => {
    const { subscription, messages, kinds } = subscribe();
    messages(1, tabLimits.iteratorHighWater);
    subscription.resumeOp();
    messages(1, 1);
    expect(kinds()).toEqual(['pause', 'pause']);
  });
});

describe('a revoked subscription', () => {
  const error = {
    code: 'forbidden',
    message: 'you have left',
    retryable: false,
    detail: 'revoked',
  } as const;

  it('tells its end once, with the reason, after everything that came before', async () => {
    const { subscription, messages, kinds, onEnd } = subscribe();
    subscription.take({ kind: 'subscribed', sub: 3, position: { epoch: 'e', offset: 0 } });
    const { offsets } = handled(subscription);
    const ends: unknown[] = [];
    subscription.onEnd((each) => ends.push(each));
    const taken = vi.fn<() => void>();
    subscription.onEnd(taken)();
    messages(1, 2);
    for (let count = 0; count < 2; count++) subscription.take({ kind: 'refused', sub: 3, error });
    messages(3, 3);
    await expect(subscription.ready).resolves.toBeUndefined();
    expect(offsets).toEqual([1, 2]);
    expect(ends).toEqual([expect.objectContaining({ name: 'ConnectionError', ...error })]);
    expect([taken.mock.calls, kinds()]).toEqual([[], []]);
    expect(onEnd).toHaveBeenCalled();
  });

  it('gives a loop what waits for it, and then throws', async () => {
    const { subscription, messages } = subscribe();
    const iterator = subscription[Symbol.asyncIterator]();
    const first = iterator.next();
    messages(1, 2);
    subscription.take({ kind: 'refused', sub: 3, error });
    expect([(await first).value!.offset, ...(await read(iterator, 1))]).toEqual([1, 2]);
    await expect(iterator.next()).rejects.toMatchObject(error);
  });

  it('is another thing than one that the app has closed, which tells no end', () => {
    const { subscription } = subscribe();
    const ends: unknown[] = [];
    subscription.onEnd((each) => ends.push(each));
    subscription.close();
    subscription.take({ kind: 'refused', sub: 3, error });
    expect(ends).toEqual([]);
  });
});
