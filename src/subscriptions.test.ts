import { describe, expect, it, vi } from 'vitest';
import type { TabOp } from '../worker/core/hub-api.ts';
import { failure } from './failure.ts';
import type { ConnectionError } from './protocol/errors.ts';
import { createSubscriptions } from './subscriptions.ts';
import { partsWorld } from './testing/parts-world.ts';

const refusal = { code: 'forbidden', message: 'no', retryable: false } as const;

function tab() {
  const pushed: TabOp[] = [];
  let ended: ConnectionError | null = null;
  const subscriptions = createSubscriptions({
    world: partsWorld,
    push: (op) => void pushed.push(op),
    ended: () => ended,
  });
  const end = (error: ConnectionError) => {
    ended = error;
    subscriptions.end(error);
  };
  return { subscriptions, end, pushed, kinds: () => pushed.map(({ kind }) => kind) };
}

/** A signal, and how many listeners it has. */
function abortable() {
  const controller = new AbortController();
  const { signal } = controller;
  const added = vi.spyOn(signal, 'addEventListener');
  const removed = vi.spyOn(signal, 'removeEventListener');
  const listeners = () => {
    const left = new Set(added.mock.calls.map(([, listener]) => listener));
    for (const [, listener] of removed.mock.calls) left.delete(listener);
    return left.size;
  };
  return { signal, listeners, abort: () => controller.abort() };
}

describe('subscriptions', () => {
  it('are told to the hub with numbers of their own, and get what is for them', () => {
    const { subscriptions, pushed } = tab();
    const [first, second] = ['t', 'u'].map((topic) => {
      const offsets: number[] = [];
      subscriptions.subscribe(topic, { replay: 3 }).onMessage(({ offset }) => offsets.push(offset));
      return offsets;
    });
    expect(pushed).toEqual([
      { kind: 'subscribe', sub: 1, topic: 't', replay: 3 },
      { kind: 'subscribe', sub: 2, topic: 'u', replay: 3 },
    ]);
    const item = { kind: 'messages', epoch: 'e', offset: 5, rows: '[["m",1,1]]', skip: 0 } as const;
    for (const sub of [2, 99]) subscriptions.take({ ...item, sub });
    expect([first, second]).toEqual([[], [5]]);
  });

  it('keep their position where they are told to, and begin where that is', () => {
    const { subscriptions, pushed } = tab();
    subscriptions.subscribe('t', { since: 'stored' });
    expect(pushed).toEqual([{ kind: 'subscribe', sub: 1, topic: 't', replay: 0, keepsCursor: true }]);
    subscriptions.take({ kind: 'subscribed', sub: 1, position: { epoch: 'e', offset: 3 } });
    expect(subscriptions.resume()).toMatchObject([{ keepsCursor: true, since: { epoch: 'e', offset: 3 } }]);
  });

  it.each([{ since: 'beginning' }, { since: 5 }, { since: null }, { since: { epoch: 'e', offset: 3 } }])(
    'know of no other beginning: %o',
    (options) => {
      const { subscriptions, pushed } = tab();
      const subscribe = () => subscriptions.subscribe('t', options as object);
      expect(subscribe).toThrow(expect.objectContaining({ code: 'invalid-option' }));
      expect(subscribe).toThrow(/^since must be stored/);
      expect(pushed).toEqual([]);
    },
  );

  it('that have not ended begin anew at the next hub', () => {
    const { subscriptions } = tab();
    const [closed, refused] = ['closed', 'refused'].map((topic) => subscriptions.subscribe(topic));
    subscriptions.subscribe('open');
    closed!.close();
    subscriptions.take({ kind: 'refused', sub: 2, error: refusal });
    expect(subscriptions.resume()).toMatchObject([{ kind: 'subscribe', sub: 3, topic: 'open' }]);
    expect(refused!.topic).toBe('refused');
  });

  it('end with the tab, and so do those that come after', async () => {
    const { subscriptions, end } = tab();
    const before = subscriptions.subscribe('t');
    end(failure('host-unavailable', 'no hub'));
    for (const subscription of [before, subscriptions.subscribe('t')]) {
      await expect(subscription.ready).rejects.toMatchObject({ code: 'host-unavailable' });
    }
    expect(subscriptions.resume()).toEqual([]);
  });

  it.each<[string, string, object?]>([
    ['no topic', ''],
    ['a replay that is no integer', 't', { replay: 0.5 }],
    ['a replay below 0', 't', { replay: -1 }],
  ])('throw with %s', (_, topic, options) => {
    const { subscriptions, pushed } = tab();
    expect(() => subscriptions.subscribe(topic, options)).toThrow(
      expect.objectContaining({ code: 'invalid-option' }),
    );
    expect(pushed).toEqual([]);
  });
});

describe('the signal of a subscription', () => {
  it('closes it, once', async () => {
    const { subscriptions, kinds } = tab();
    const { signal, abort, listeners } = abortable();
    const { ready } = subscriptions.subscribe('t', { signal });
    abort();
    await expect(ready).rejects.toMatchObject({ code: 'closed' });
    expect([kinds(), subscriptions.resume(), listeners()]).toEqual([['subscribe', 'unsubscribe'], [], 0]);
  });

  it('closes it at once where it has aborted before', async () => {
    const { subscriptions, kinds } = tab();
    const { ready } = subscriptions.subscribe('t', { signal: AbortSignal.abort() });
    await expect(ready).rejects.toMatchObject({ code: 'closed' });
    expect([kinds(), subscriptions.resume()]).toEqual([['subscribe', 'unsubscribe'], []]);
  });

  it.each<[string, (subs: ReturnType<typeof tab>, close: () => void) => void]>([
    ['is closed', (_, close) => close()],
    ['is refused', ({ subscriptions }) => subscriptions.take({ kind: 'refused', sub: 1, error: refusal })],
    ['ends with the tab', ({ end }) => end(failure('closed', 'left'))],
  ])('is let go of when the subscription %s', (_, finish) => {
    const subs = tab();
    const { signal, abort, listeners } = abortable();
    const subscription = subs.subscriptions.subscribe('t', { signal });
    expect(listeners()).toBe(1);
    finish(subs, subscription.close);
    expect(listeners()).toBe(0);
    const before = subs.kinds();
    abort();
    expect(subs.kinds()).toEqual(before);
  });

  it('is not held on to where the tab has ended before', () => {
    const { subscriptions, end, kinds } = tab();
    end(failure('closed', 'left'));
    const { signal, abort, listeners } = abortable();
    subscriptions.subscribe('t', { signal });
    expect(listeners()).toBe(0);
    abort();
    expect(kinds()).toEqual(['subscribe']);
  });

  it('of many subscriptions does not gather listeners of those that have ended', () => {
    const { subscriptions } = tab();
    const { signal, listeners } = abortable();
    for (let count = 0; count < 100; count++) subscriptions.subscribe('t', { signal }).close();
    subscriptions.subscribe('t', { signal });
    expect(listeners()).toBe(1);
  });
});
