import type { TabItem, TabOp } from '../worker/core/hub-api.ts';
import { deferred, type Deferred } from './deferred.ts';
import { decodePayload } from './payload.ts';
import { ConnectionError } from './protocol/errors.ts';

/** An op that the hub answers by its id. */
export type CallOp = Extract<TabOp, { kind: 'request' | 'reconnect' }>;

interface Call {
  readonly op: CallOp;
  readonly answer: Deferred<unknown>;
  wasPushed: boolean;
}

/** Requests and the like that have no answer yet. */
export class Calls {
  readonly #calls = new Map<string, Call>();

  /** Calls without an answer. */
  get size(): number {
    return this.#calls.size;
  }

  add(op: CallOp): Promise<unknown> {
    const answer = deferred<unknown>();
    this.#calls.set(op.id, { op, answer, wasPushed: false });
    return answer.promise;
  }

  pushed(op: TabOp): void {
    const call = 'id' in op ? this.#calls.get(op.id) : undefined;
    if (call) call.wasPushed = true;
  }

  /** Takes the hub's answer; one that nobody waits for any more is nobody's loss. */
  take(item: Extract<TabItem, { kind: 'response' | 'error' }>): void {
    if (item.kind === 'error') this.reject(item.id, new ConnectionError(item.error));
    else this.#remove(item.id)?.answer.resolve(decodePayload(item));
  }

  /** Ends a call. True if it was still waiting. */
  reject(id: string, error: ConnectionError): boolean {
    const call = this.#remove(id);
    call?.answer.reject(error);
    return call !== undefined;
  }

  /** This tab is attached anew: gives the ops that no hub has seen, and rejects the others. */
  attached(lost: ConnectionError): CallOp[] {
    for (const [id, call] of this.#calls) if (call.wasPushed) this.reject(id, lost);
    return Array.from(this.#calls.values(), ({ op }) => op);
  }

  /** Rejects everything. */
  end(error: ConnectionError): void {
    for (const id of this.#calls.keys()) this.reject(id, error);
  }

  #remove(id: string): Call | undefined {
    const call = this.#calls.get(id);
    this.#calls.delete(id);
    return call;
  }
}
