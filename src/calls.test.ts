import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { TabOp } from '../worker/core/hub-api.ts';
import { createCalls } from './calls.ts';
import { failure } from './failure.ts';
import * as tabLimits from './limits.ts';
import type { ConnectionError } from './protocol/errors.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function tab() {
  const pushed: TabOp[] = [];
  let ended: ConnectionError | null = null;
  const calls = createCalls({ push: (op) => void pushed.push(op), ended: () => ended });
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

describe('a reconnect', () => {
  it('settles with the answer of the hub', async () => {
    const { calls, pushed, idAt } = tab();
    const answer = calls.reconnect();
    expect(pushed).toMatchObject([{ kind: 'reconnect' }]);
    calls.take({ kind: 'response', id: idAt(0) });
    await expect(answer).resolves.toBeUndefined();
  });
});

describe('another hub', () => {
  it('is told of calls that none has seen, and the others are lost', async () => {
    const { calls, pushed } = tab();
    const [seen, unseen] = [calls.reconnect(), calls.request('m', 1)];
    calls.pushed(pushed[0]!);
    calls.pushed({ kind: 'unsubscribe', sub: 1 });
    calls.end(failure('hub-lost', 'gone'), false);
    await expect(seen).rejects.toMatchObject({ code: 'hub-lost' });
    expect(calls.resume()).toEqual([pushed[1]]);
    calls.end(failure('closed', 'left'));
    await expect(unseen).rejects.toMatchObject({ code: 'closed' });
  });
});

describe('the end', () => {
  it('rejects every call, and every one that comes after it', async () => {
    const { calls, end } = tab();
    const error = failure('closed', 'left');
    const answers = [calls.request('m', 1), calls.reconnect()];
    end(error);
    calls.end(error);
    for (const answer of [...answers, calls.request('m', 1)]) {
      await expect(answer).rejects.toMatchObject({ code: 'closed' });
    }
    expect(calls.resume()).toEqual([]);
  });
});
