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

/** An op that the hub answers by its id. */
type CallOp = Extract<
  TabOp,
  { kind: 'request' | 'reconnect' | 'withdraw' | 'follow' | 'list' | 'metrics' | 'purge' }
>;
/** An op that gets its id here. */
type Ask = CallOp extends infer O ? (O extends CallOp ? Omit<O, 'id'> : never) : never;
type Answer = Extract<TabItem, { kind: 'response' | 'error' | 'entries' }>;

interface Call {
  readonly op: CallOp;
  readonly answer: Deferred<unknown>;
  wasPushed: boolean;
}

/** Requests and the like that have no answer yet. An answer that nobody waits for any more is nobody's loss. */
export function createCalls({ world, push, ended, trace, sight }: Outlet) {
  const calls = new Map<string, Call>();
  let count = 0;
  const nextId = () => `${(count += 1)}`;

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
    const id = nextId();
    const answer = call({
      kind: 'request',
      id,
      method,
      ts: world.now(),
      timeoutMs: Math.ceil(timeoutMs),
      ...encodePayload(input),
      ...trace?.(),
    });
    const cancel = (error: ConnectionError) => {
      if (reject(id, error)) push({ kind: 'cancel', id });
    };
    const unabort = onAbort(signal, () => cancel(failure('aborted', 'aborted', signal?.reason)));
    const untime = world.after(timeoutMs, () => cancel(failure('timeout', 'outcome unknown')));
    try {
      return await answer;
    } finally {
      untime();
      unabort();
    }
  }

  return {
    request: (...asked: Parameters<typeof request>) =>
      sight?.requested(request(...asked)) ?? request(...asked),

    /** Asks the hub something, and gives what it answers. */
    ask: (op: Ask): Promise<unknown> => call({ ...op, id: nextId() } as CallOp),

    take(item: Answer): void {
      if (item.kind === 'error') return void reject(item.id, new ConnectionError(item.error));
      calls.get(item.id)?.answer.resolve(item.kind === 'entries' ? item.entries : decodePayload(item));
      calls.delete(item.id);
    },

    /** An op went out to the hub. */
    pushed(op: { readonly id: string }): void {
      const pushed = calls.get(op.id);
      if (pushed) pushed.wasPushed = true;
    },

    /** Rejects what a hub has seen, and has no answer to, unless it may as well be asked again. */
    hubLost(error: ConnectionError): void {
      for (const [id, { op, wasPushed }] of calls) {
        if (wasPushed && op.kind !== 'follow' && op.kind !== 'list' && op.kind !== 'metrics')
          reject(id, error);
      }
    },

    /** What the next hub has to be asked. */
    resume: (): TabOp[] => Array.from(calls.values(), ({ op }) => op),

    end(error: ConnectionError): void {
      for (const id of calls.keys()) reject(id, error);
    },
  };
}
