import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { TabOp } from '../worker/core/hub-api.ts';
import { createCalls } from './calls.ts';
import { failure } from './failure.ts';
import * as tabLimits from './limits.ts';
import type { ConnectionError } from './protocol/errors.ts';
import { partsWorld } from './testing/parts-world.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function tab() {
  const pushed: TabOp[] = [];
  let ended: ConnectionError | null = null;
  const calls = createCalls({
    world: partsWorld,
    push: (op) => void pushed.push(op),
    ended: () => ended,
  });
  const idAt = (index: number) => (pushed[index] as { id: string }).id;
  const end = (cause: ConnectionError) => (ended = cause);
  return { calls, pushed, idAt, end };
}

describe('a request', () => {
  it('goes to the hub, and gets its answer', async () => {
    const { calls, pushed, idAt } = tab();
    const answer = calls.request('m', { a: 1 }, { timeoutMs: 500 });
    expect(pushed).toMatchObject([{ kind: 'request', method: 'm', json: '{"a":1}', timeoutMs: 500 }]);
    calls.take({ kind: 'response', id: idAt(0), json: '{"b":2}' });
    await expect(answer).resolves.toEqual({ b: 2 });
    expect(vi.getTimerCount()).toBe(0);
  });

  it('gets bytes as bytes', async () => {
    const { calls, idAt } = tab();
    const answer = calls.request('m', 1);
    const bytes = new ArrayBuffer(3);
    calls.take({ kind: 'response', id: idAt(0), bytes });
    await expect(answer).resolves.toBe(bytes);
  });

  it('gets the error of the server', async () => {
    const { calls, idAt } = tab();
    const answer = calls.request('m', 1);
    const error = { code: 'unknown-method', message: 'no', retryable: false } as const;
    calls.take({ kind: 'error', id: idAt(0), error });
    await expect(answer).rejects.toMatchObject({ name: 'ConnectionError', ...error });
  });

  it('ends in time, and is cancelled at the hub', async () => {
    const { calls, pushed, idAt } = tab();
    const answer = calls.request('m', 1).catch((error: unknown) => error);
    await vi.advanceTimersByTimeAsync(tabLimits.requestTimeoutMs);
    expect(await answer).toMatchObject({ code: 'timeout' });
    expect(pushed.slice(1)).toEqual([{ kind: 'cancel', id: idAt(0) }]);
    calls.take({ kind: 'response', id: idAt(0), json: '1' });
  });

  it('ends with its signal, before or after it has begun', async () => {
    const { calls, pushed } = tab();
    const controller = new AbortController();
    const later = calls.request('m', 1, { signal: controller.signal });
    controller.abort(new Error('why'));
    await expect(later).rejects.toMatchObject({ code: 'aborted', cause: { message: 'why' } });
    const before = calls.request('m', 1, { signal: controller.signal });
    await expect(before).rejects.toMatchObject({ code: 'aborted' });
    expect(pushed.filter(({ kind }) => kind === 'cancel').length).toBeGreaterThanOrEqual(1);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('that has its answer is not cancelled any more', async () => {
    const { calls, pushed, idAt } = tab();
    const controller = new AbortController();
    const answer = calls.request('m', 1, { signal: controller.signal });
    calls.take({ kind: 'response', id: idAt(0), json: '1' });
    await answer;
    controller.abort();
    await vi.advanceTimersByTimeAsync(tabLimits.requestTimeoutMs);
    expect(pushed).toHaveLength(1);
  });

  it.each<[string, readonly [string, unknown, object?]]>([
    ['no method', ['', 1]],
    ['a payload that is not JSON', ['m', undefined]],
    ['no time', ['m', 1, { timeoutMs: -1 }]],
  ])('rejects with %s', async (_, [method, input, options]) => {
    const { calls, pushed } = tab();
    await expect(calls.request(method, input, options)).rejects.toMatchObject({
      code: expect.stringMatching(/^invalid-/),
    });
    expect(pushed).toEqual([]);
  });

  it('rejects above the bound of those without an answer', async () => {
    const { calls, idAt } = tab();
    const answers = Array.from({ length: tabLimits.calls }, () => calls.request('m', 1));
    await expect(calls.request('m', 1)).rejects.toMatchObject({ code: 'queue-full', retryable: true });
    calls.take({ kind: 'response', id: idAt(0), json: '1' });
    await answers[0];
    void calls.request('m', 1).catch(() => {});
    expect(calls.resume()).toHaveLength(tabLimits.calls);
    calls.end(failure('closed', 'left'));
    await Promise.allSettled(answers);
  });
});

describe('a question to the hub', () => {
  it('settles with its answer', async () => {
    const { calls, pushed, idAt } = tab();
    const [connected, withdrawn] = [
      calls.ask({ kind: 'reconnect' }),
      calls.ask({ kind: 'withdraw', entryId: 'e' }),
    ];
    expect(pushed).toMatchObject([{ kind: 'reconnect' }, { kind: 'withdraw', entryId: 'e' }]);
    expect(idAt(0)).not.toBe(idAt(1));
    calls.take({ kind: 'response', id: idAt(1), json: 'false' });
    calls.take({ kind: 'response', id: idAt(0) });
    await expect(withdrawn).resolves.toBe(false);
    await expect(connected).resolves.toBeUndefined();
  });

  it('settles with the entries that it asked for', async () => {
    const { calls, idAt } = tab();
    const listed = calls.ask({ kind: 'list' });
    calls.take({ kind: 'entries', id: idAt(0), entries: [] });
    await expect(listed).resolves.toEqual([]);
  });
});

describe('the death of a hub', () => {
  const seen = (op: TabOp) => op as { id: string };

  it('loses what the hub was asked, and the next one is asked what none has seen', async () => {
    const { calls, pushed } = tab();
    const asked = [
      calls.request('m', 1),
      calls.ask({ kind: 'reconnect' }),
      calls.ask({ kind: 'withdraw', entryId: 'e' }),
      calls.ask({ kind: 'purge' }),
    ];
    for (const op of pushed) calls.pushed(seen(op));
    const unseen = calls.request('m', 2);
    calls.hubLost(failure('hub-lost', 'gone'));
    for (const answer of asked) await expect(answer).rejects.toMatchObject({ code: 'hub-lost' });
    expect(calls.resume()).toEqual([pushed[4]]);
    calls.end(failure('closed', 'left'));
    await expect(unseen).rejects.toMatchObject({ code: 'closed' });
  });

  it('takes no notice of ops that are no calls', () => {
    const { calls } = tab();
    calls.pushed({ id: 'of an entry' });
    expect(calls.resume()).toEqual([]);
  });

  it('leaves what changes nothing to be asked again', async () => {
    const { calls, pushed, idAt } = tab();
    const listed = calls.ask({ kind: 'list' });
    const followed = calls.ask({ kind: 'follow', entryId: 'e', until: 'acked' });
    for (const op of pushed) calls.pushed(seen(op));
    calls.hubLost(failure('hub-lost', 'gone'));
    expect(calls.resume()).toEqual(pushed);
    calls.take({ kind: 'entries', id: idAt(0), entries: [] });
    calls.take({ kind: 'response', id: idAt(1) });
    await expect(listed).resolves.toEqual([]);
    await expect(followed).resolves.toBeUndefined();
  });
});

describe('the end', () => {
  it('rejects every call, and every one that comes after it', async () => {
    const { calls, end } = tab();
    const error = failure('closed', 'left');
    const answers = [calls.request('m', 1), calls.ask({ kind: 'list' })];
    end(error);
    calls.end(error);
    for (const answer of [...answers, calls.request('m', 1)]) {
      await expect(answer).rejects.toMatchObject({ code: 'closed' });
    }
    expect(calls.resume()).toEqual([]);
  });
});
