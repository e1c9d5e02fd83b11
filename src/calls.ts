import type { TabOp } from '../worker/core/hub-api.ts';
import { deferred, type Deferred } from './deferred.ts';
import type { ConnectionError } from './protocol/errors.ts';

/** An op that the hub answers by its id. */
export type CallOp = Extract<TabOp, { kind: 'request' | 'reconnect' }>;

interface Call {
  readonly op: CallOp;
  readonly answer: Deferred<unknown>;
  wasPushed: boolean;
}

export type Calls = ReturnType<typeof createCalls>;

/** Requests and the like that have no answer yet. An answer that nobody waits for any more is nobody's loss. */
export function createCalls() {
  const calls = new Map<string, Call>();

  /** Ends a call. True if it was still waiting. */
  function reject(id: string, error: ConnectionError): boolean {
    calls.get(id)?.answer.reject(error);
    return calls.delete(id);
  }

  return {
    reject,
    size: () => calls.size,

    add(op: CallOp): Promise<unknown> {
      const answer = deferred<unknown>();
      calls.set(op.id, { op, answer, wasPushed: false });
      return answer.promise;
    },

    resolve(id: string, value: unknown): void {
      calls.get(id)?.answer.resolve(value);
      calls.delete(id);
    },

    /** An op went out to the hub. */
    pushed(op: TabOp): void {
      const call = 'id' in op && calls.get(op.id);
      if (call) call.wasPushed = true;
    },

    /** The ops that no hub has seen. */
    unpushed: (): CallOp[] => Array.from(calls.values(), ({ op }) => op),

    /** Rejects what a hub has seen, or everything. */
    end(error: ConnectionError, all = true): void {
      for (const [id, call] of calls) if (all || call.wasPushed) reject(id, error);
    },
  };
}
