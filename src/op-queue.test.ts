import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { PushReply, TabOp } from '../worker/core/hub-api.ts';
import * as tabLimits from './limits.ts';
import { createOpQueue } from './op-queue.ts';
import { partsWorld } from './testing/parts-world.ts';

const op = (sub: number): TabOp => ({ kind: 'unsubscribe', sub });
const ops = (count: number, first = 1) => Array.from({ length: count }, (_, index) => op(first + index));

const reported = vi.fn<(error: unknown) => void>();
beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal('reportError', reported);
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
  reported.mockReset();
});

/** A queue to a hub that answers when it is told to. */
function queueOf(first: TabOp[] = []) {
  const batches: (readonly TabOp[])[] = [];
  const answers: { readonly resolve: (reply: PushReply) => void; readonly reject: (cause: Error) => void }[] =
    [];
  const pushed: TabOp[] = [];
  const lost = vi.fn<() => void>();
  const target = {
    push(batch: readonly TabOp[]) {
      batches.push(batch);
      return new Promise<PushReply>((resolve, reject) => answers.push({ resolve, reject }));
    },
    pushed: (each: TabOp) => void pushed.push(each),
    lost,
  };
  const queue = createOpQueue(target, first, partsWorld);
  const answer = async (reply: PushReply = 'taken') => {
    answers.shift()?.resolve(reply);
    await turn();
  };
  const reject = async (cause: Error) => {
    answers.shift()?.reject(cause);
    await turn();
  };
  return { queue, batches, pushed, lost, answer, reject };
}

const turn = () => vi.advanceTimersByTimeAsync(0);

describe('operations', () => {
  it('of the beginning go out at once', () => {
    const { batches, pushed } = queueOf(ops(2));
    expect([batches, pushed]).toEqual([[ops(2)], ops(2)]);
  });

  it('of one turn of the event loop travel together', async () => {
    const { queue, batches } = queueOf();
    for (const each of ops(3)) queue.push(each);
    expect(batches).toEqual([]);
    await turn();
    expect(batches).toEqual([ops(3)]);
  });

  it('wait while two batches are under way, and then travel together', async () => {
    const { queue, batches, pushed, answer } = queueOf();
    for (const each of ops(4)) {
      queue.push(each);
      await turn();
    }
    expect(batches).toEqual([[op(1)], [op(2)]]);
    expect(pushed).toEqual(ops(2));
    await answer();
    expect(batches.slice(2)).toEqual([[op(3), op(4)]]);
  });

  it('are so many at most in a batch', () => {
    const { batches } = queueOf(ops(tabLimits.batchOps + 1));
    expect(batches.map(({ length }) => length)).toEqual([tabLimits.batchOps, 1]);
  });

  it('keep their order, whatever the pace', async () => {
    const { queue, batches, answer } = queueOf(ops(3));
    for (let sub = 4; sub <= 40; sub++) {
      queue.push(op(sub));
      if (sub % 3 === 0) await turn();
      if (sub % 7 === 0) await answer();
    }
    for (let count = 0; count < 5; count++) await answer();
    expect(batches.flat()).toEqual(ops(40));
  });
});

describe('the hub', () => {
  it('is lost when it does not know this tab', async () => {
    const { lost, answer } = queueOf(ops(1));
    await answer('unknown-tab');
    expect(lost).toHaveBeenCalledOnce();
    expect(reported).not.toHaveBeenCalled();
  });

  it('is lost when it does not answer in time', async () => {
    const { lost } = queueOf(ops(1));
    await vi.advanceTimersByTimeAsync(tabLimits.pushTimeoutMs - 1);
    expect(lost).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    expect(lost).toHaveBeenCalledOnce();
    expect(reported).not.toHaveBeenCalled();
  });

  it('is lost when it rejects, and the error is told to the page', async () => {
    const { batches, lost, reject } = queueOf(ops(tabLimits.batchOps * 3));
    const cause = new Error('a bug in the hub');
    await reject(cause);
    expect(lost).toHaveBeenCalledOnce();
    expect(reported.mock.calls).toEqual([[cause]]);
    expect(batches).toHaveLength(tabLimits.batchesUnderWay);
  });

  it('is not lost once the queue is closed, and is sent nothing more', async () => {
    const { queue, batches, lost, answer } = queueOf(ops(1));
    queue.push(op(2));
    queue.close();
    queue.push(op(3));
    await answer('unknown-tab');
    await vi.advanceTimersByTimeAsync(tabLimits.pushTimeoutMs);
    expect(batches).toEqual([[op(1)]]);
    expect(lost).not.toHaveBeenCalled();
  });

  it('that rejects once the queue is closed is not lost, and the error is told all the same', async () => {
    const { queue, lost, reject } = queueOf(ops(1));
    const cause = new Error('a bug in the hub');
    queue.close();
    await reject(cause);
    expect(lost).not.toHaveBeenCalled();
    expect(reported.mock.calls).toEqual([[cause]]);
  });
});
