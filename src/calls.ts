import type { TabItem, TabOp } from '../worker/core/hub-api.ts';
import { deferred, type Deferred } from './deferred.ts';
import { failure } from './failure.ts';
import * as tabLimits from './limits.ts';
import { onAbort } from './on-abort.ts';
import { checkName, positive } from './options.ts';
import type { Outlet } from './outlet.ts';
import { decodePayload, encodePayload } from './payload.ts';
import { ConnectionError, queueFull } from './protocol/errors.ts';
import * as protocolLimits from './protocol/limits.ts';
import type { RequestOptions } from './types.ts';
import { timers } from '../worker/timers.ts';

/** An op that the hub answers by its id. */
type CallOp = Extract<TabOp, { kind: 'request' | 'reconnect' }>;

interface Call {
  readonly op: CallOp;
  readonly answer: Deferred<unknown>;
  wasPushed: boolean;
}

/** Requests and the like that have no answer yet. An answer that nobody waits for any more is nobody's loss. */
export function createCalls({ push, ended }: Outlet) {
  const calls = new Map<string, Call>();
  let count = 0;

  /** Rejects a call. False if it has its answer. */
  function reject(id: string, error: ConnectionError): boolean {
    calls.get(id)?.answer.reject(error);
    return calls.delete(id);
  }

  async function call(op: CallOp): Promise<unknown> {
    const error = ended();
    if (error) throw error;
    if (calls.size >= tabLimits.calls) throw new ConnectionError(queueFull('requests'));
    const answer = deferred<unknown>();
    calls.set(op.id, { op, answer, wasPushed: false });
    push(op);
    return answer.promise;
  }

  async function request(method: string, input: unknown, options: RequestOptions = {}): Promise<unknown> {
    const { timeoutMs = tabLimits.requestTimeoutMs, signal } = options;
    checkName('method', method, protocolLimits.methodLength);
    positive('timeoutMs', timeoutMs);
    const id = `${(count += 1)}`;
    const answer = call({ kind: 'request', id, method, ts: Date.now(), timeoutMs, ...encodePayload(input) });
    const cancel = (error: ConnectionError) => {
      if (reject(id, error)) push({ kind: 'cancel', id });
    };
    const unabort = onAbort(signal, () => cancel(failure('aborted', 'aborted', signal?.reason)));
    const untime = timers.after(timeoutMs, () => cancel(failure('timeout', 'outcome unknown')));
    try {
      return await answer;
    } finally {
      untime();
      unabort();
    }
  }

  /** Rejects everything, or what a hub has seen. */
  function end(error: ConnectionError, all = true): void {
    for (const [id, { wasPushed }] of calls) if (all || wasPushed) reject(id, error);
  }

  return {
    request,
    end,
    reconnect: async () => void (await call({ kind: 'reconnect', id: `${(count += 1)}` })),

    take(item: Extract<TabItem, { kind: 'response' | 'error' }>): void {
      if (item.kind === 'error') return void reject(item.id, new ConnectionError(item.error));
      calls.get(item.id)?.answer.resolve(decodePayload(item));
      calls.delete(item.id);
    },

    /** An op went out to the hub. */
    pushed(op: TabOp): void {
      const pushed = 'id' in op && calls.get(op.id);
      if (pushed) pushed.wasPushed = true;
    },

    /** What no hub has seen. */
    resume: (): TabOp[] => Array.from(calls.values(), ({ op }) => op),
  };
}
