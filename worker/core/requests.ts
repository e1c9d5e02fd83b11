import { queueFull, type ErrorData } from '../../src/protocol/errors.ts';
import type { TabOp } from './hub-api.ts';
import * as coreLimits from './limits.ts';

/** A request of a tab, from its op to its answer. */
export interface PendingRequest {
  readonly tabId: string;
  /** Id on the wire: that of the tab's op would let two tabs collide. */
  readonly wireId: string;
  readonly op: Extract<TabOp, { kind: 'request' }>;
  wasSent: boolean;
}

/** Requests that have no answer yet. They are not stored: an answer belongs to the tab that asked. */
export class Requests {
  readonly #byWireId = new Map<string, PendingRequest>();
  #count = 0;

  /** Takes a request, or says why not. */
  add(tabId: string, op: PendingRequest['op']): ErrorData | undefined {
    if (this.#byWireId.size >= coreLimits.requests) {
      return queueFull('requests');
    }
    const wireId = `r${(this.#count += 1)}`;
    this.#byWireId.set(wireId, { tabId, wireId, op, wasSent: false });
    return undefined;
  }

  /** Requests without an answer. */
  get size(): number {
    return this.#byWireId.size;
  }

  /** Whether a request that was sent waits for its answer. */
  get hasUnderWay(): boolean {
    for (const request of this.#byWireId.values()) if (request.wasSent) return true;
    return false;
  }

  /** The requests that still have to be sent, in the order in which they came. */
  *unsent(): Iterable<PendingRequest> {
    for (const request of this.#byWireId.values()) if (!request.wasSent) yield request;
  }

  /** Takes the request that an answer is for; undefined if nobody waits for it any more. */
  settle(wireId: string): PendingRequest | undefined {
    const request = this.#byWireId.get(wireId);
    this.#byWireId.delete(wireId);
    return request;
  }

  /** The tab does not want the answer any more. Gives the request if the server should hear of that. */
  cancel(tabId: string, id: string): PendingRequest | undefined {
    for (const request of this.#byWireId.values()) {
      if (request.tabId === tabId && request.op.id === id) return this.settle(request.wireId);
    }
    return undefined;
  }

  /** Takes all requests of a tab. */
  dropTab(tabId: string): PendingRequest[] {
    const dropped = [...this.#byWireId.values()].filter((request) => request.tabId === tabId);
    for (const { wireId } of dropped) this.#byWireId.delete(wireId);
    return dropped;
  }

  /** The session is gone: takes those whose outcome nobody will learn. The others wait for the next one. */
  sessionLost(): PendingRequest[] {
    const lost = [...this.#byWireId.values()].filter((request) => request.wasSent);
    for (const { wireId } of lost) this.#byWireId.delete(wireId);
    return lost;
  }
}
