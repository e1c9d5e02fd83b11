import type { ClientMessage } from '../src/protocol/schema.ts';
import type { Client } from './client.ts';
import type { Timer } from './clock.ts';
import type { ServerContext } from './context.ts';
import type { RequestHandler } from './hooks.ts';
import { isPromise } from './maybe-promise.ts';
import type { Outbound } from './outbound.ts';
import { forbidden, type Policy } from './policy.ts';
import type { Spans } from './sight/spans.ts';
import { RequestError, wireFailure, type Refusal } from './request-error.ts';

type Request = ClientMessage<'request'>;

/** What requests need of their session. */
export interface RequestOwner {
  readonly context: ServerContext;
  readonly client: Client;
  readonly policy: Policy;
  readonly outbound: Outbound;
  readonly spans: Spans | undefined;
}

interface Running {
  readonly controller: AbortController;
  readonly timer: Timer;
}

/** Runs the requests of one connection. They run side by side; each is answered at most once. */
export class RequestRunner {
  readonly #owner: RequestOwner;
  readonly #running = new Map<string, Running>();
  /** Handlers that have not settled: also those whose request was cancelled or has timed out. */
  #active = 0;
  #idle: (() => void) | undefined;

  constructor(owner: RequestOwner) {
    this.#owner = owner;
  }

  /** Runs a request; false when its id is in use. */
  start(request: Request): boolean {
    const { context, policy, spans } = this.#owner;
    context.stats.requests++;
    if (this.#running.has(request.id)) return false;
    const { id, method: topic, trace } = request;
    spans?.begin(spanKey(id), { kind: 'request', topic, id, trace });
    const handler = context.hooks.requests.get(request.method);
    if (!handler) {
      this.#fail(request.id, { code: 'unknown-method', message: `no such method: ${request.method}` });
    } else if (Math.max(this.#active, this.#running.size) >= context.limits.pendingRequests) {
      context.limitHits.hit('requests', { method: request.method });
      const message = `at most ${context.limits.pendingRequests} requests at one time`;
      this.#fail(request.id, { code: 'limit', message, retryable: true });
    } else {
      const running = this.#track(request);
      const ask = () => {
        const allowed = policy.allows('request', request.method);
        if (isPromise(allowed)) allowed.then((answer) => this.#run(request, handler, running, answer));
        else this.#run(request, handler, running, allowed);
      };
      if (spans) spans.run(spanKey(id), ask);
      else ask();
    }
    return true;
  }

  /** Whether every request has its answer. */
  get isIdle(): boolean {
    return this.#running.size === 0;
  }

  /** Calls `done` once every request has its answer. */
  whenIdle(done: () => void): void {
    this.#idle = done;
    this.#checkIdle();
  }

  /** Aborts a request without an answer. */
  cancel(id: string): void {
    const running = this.#running.get(id);
    if (!running) return;
    this.#forget(id, running);
    this.#owner.spans?.end(spanKey(id), 'cancelled');
    running.controller.abort(new Error('the client has cancelled the request'));
    this.#checkIdle();
  }

  /** Aborts all requests. */
  end(): void {
    this.#idle = undefined;
    for (const [id, running] of this.#running) {
      this.#forget(id, running);
      running.controller.abort(new Error('the client has disconnected'));
    }
  }

  #track({ id, timeoutMs }: Request): Running {
    const { clock, limits } = this.#owner.context;
    const controller = new AbortController();
    // 0 asks for no limit but the server's own.
    const boundedMs = Math.min(timeoutMs || limits.requestTimeoutMs, limits.requestTimeoutMs);
    const timer = clock.setTimer(() => this.#timeOut(id, running, boundedMs), boundedMs);
    const running = { controller, timer };
    this.#running.set(id, running);
    return running;
  }

  #timeOut(id: string, running: Running, timeoutMs: number): void {
    if (!this.#finish(id, running)) return;
    this.#owner.context.limitHits.hit('request-time', {});
    this.#fail(id, { code: 'timeout', message: `no answer within ${timeoutMs} ms` });
    running.controller.abort(new Error(`no answer within ${timeoutMs} ms`));
    this.#checkIdle();
  }

  #run(request: Request, handler: RequestHandler, running: Running, allowed: boolean): void {
    const { id, method, payload } = request;
    if (this.#running.get(id) !== running) return;
    if (!allowed) {
      this.#finish(id, running);
      this.#fail(id, forbidden(method));
      return this.#checkIdle();
    }
    const { identity, claims, clientId, clientEpoch } = this.#owner.client;
    const context = { identity, claims, clientId, clientEpoch, id, signal: running.controller.signal };
    const failed = (reason: unknown) => {
      this.#active--;
      if (this.#finish(id, running)) this.#fail(id, this.#refusalOf(reason, method));
      this.#checkIdle();
    };
    const done = (output: unknown) => {
      this.#active--;
      if (this.#finish(id, running)) this.#respond(id, method, output);
      this.#checkIdle();
    };
    this.#active++;
    let output: unknown;
    try {
      output = handler(payload, context);
    } catch (reason) {
      return failed(reason);
    }
    if (isPromise(output)) output.then(done, failed);
    else done(output);
  }

  #respond(id: string, method: string, output: unknown): void {
    const { outbound, context, spans } = this.#owner;
    try {
      const payload = encodeOutput(output);
      const bytes = typeof payload === 'string' ? Buffer.byteLength(payload) : payload.byteLength;
      if (bytes <= context.limits.messageBytes) {
        spans?.end(spanKey(id));
        return outbound.pushEncoded({ type: 'response', re: id }, payload);
      }
      context.limitHits.hit('message-bytes', {});
      this.#fail(id, {
        code: 'too-large',
        message: `the response is larger than ${context.limits.messageBytes} bytes`,
      });
    } catch (reason) {
      // What JSON cannot hold: a cycle, a BigInt, a toJSON that throws.
      this.#fail(id, this.#refusalOf(reason, method));
    }
  }

  #checkIdle(): void {
    if (this.#idle === undefined || this.#running.size > 0) return;
    const done = this.#idle;
    this.#idle = undefined;
    done();
  }

  #refusalOf(reason: unknown, method: string): Refusal {
    if (reason instanceof RequestError) return reason;
    const { logger, randomId } = this.#owner.context;
    const errorId = randomId();
    logger.warn({ err: reason, method, errorId }, 'a request handler failed');
    // The id is all that leads from a report of a user to the line in the log.
    return { code: 'request-failed', message: `the request failed (error ${errorId})` };
  }

  #fail(re: string, refusal: Refusal): void {
    this.#owner.context.stats.requestsFailed++;
    this.#owner.spans?.end(spanKey(re), refusal.code);
    this.#owner.outbound.push({ type: 'error', re, payload: wireFailure(refusal) });
  }

  /** True for the first end of a request: it is the one that is answered. */
  #finish(id: string, running: Running): boolean {
    if (this.#running.get(id) !== running) return false;
    this.#forget(id, running);
    return true;
  }

  #forget(id: string, running: Running): void {
    this.#running.delete(id);
    this.#owner.context.clock.clearTimer(running.timer);
  }
}

const spanKey = (id: string): string => `r${id}`;

function encodeOutput(output: unknown): string | Uint8Array {
  if (output instanceof ArrayBuffer) return new Uint8Array(output);
  if (output instanceof Uint8Array) return output;
  // A handler without a result answers null: undefined has no JSON.
  return JSON.stringify(output) ?? 'null';
}
