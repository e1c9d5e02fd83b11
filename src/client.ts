import type { TabItem } from '../worker/core/hub-api.ts';
import { withDeadline } from '../worker/deadline.ts';
import { asyncDispose } from './async-dispose.ts';
import { Calls, type CallOp } from './calls.ts';
import { Deliveries } from './deliveries.ts';
import { failure } from './failure.ts';
import type { HubAttachment } from './hub-attachment.ts';
import { HubConnector } from './hub-connector.ts';
import * as tabLimits from './limits.ts';
import { checkName, positive, type Settings } from './options.ts';
import { watchPage } from './page-signals.ts';
import { pageTimers } from './page-timers.ts';
import { encodePayload } from './payload.ts';
import { ConnectionError, errorData } from './protocol/errors.ts';
import * as protocolLimits from './protocol/limits.ts';
import { TabSubscription } from './subscription.ts';
import { readToken } from './token.ts';
import type {
  Delivery,
  PublishOptions,
  RequestOptions,
  SocketEventMap,
  SocketStatus,
  SubscribeOptions,
  Subscription,
} from './types.ts';

/** The facade of one tab: what it asks goes in batches to the hub, what the hub tells goes to its askers. */
export class Client extends EventTarget {
  readonly #settings: Settings;
  readonly #tabId = crypto.randomUUID();
  readonly #connector: HubConnector;
  readonly #calls = new Calls();
  readonly #deliveries = new Deliveries(({ id, topic }, error) =>
    this.#tell('dropped', { id, topic, error }),
  );
  readonly #subscriptions = new Map<number, TabSubscription<unknown>>();
  readonly #unwatchPage: () => void;
  #status: SocketStatus;
  #count = 0;
  #tabSeq = 0;
  /** Why everything from now on fails; null while this tab is in use. */
  #end: ConnectionError | null = null;

  constructor(settings: Settings) {
    super();
    this.#settings = settings;
    this.#status = initialStatus(this.#tabId);
    this.#connector = new HubConnector(this.#tabId, settings, {
      api: {
        deliver: (hubId, _number, items) => {
          if (hubId === this.#status.hubId) for (const item of items) this.#take(item);
        },
        token: () => readToken(settings.auth),
      },
      attached: (reply) => this.#attached(reply),
      detached: () => {
        if (!this.#end) this.#setStatus({ ...this.#status, state: 'connecting' });
      },
      failed: (error) => this.#finish(error),
      pushed: (op) => this.#calls.pushed(op),
    });
    this.#unwatchPage = watchPage({
      signal: (signal) => this.#connector.push({ kind: 'signal', signal }),
      hidden: () => this.#connector.leave(),
      restored: () => void this.#connector.attach(),
    });
    void this.#connector.attach();
  }

  get status(): SocketStatus {
    return this.#status;
  }

  subscribe(topic: string, { replay = 0, signal }: SubscribeOptions = {}): Subscription {
    checkName('topic', topic, protocolLimits.topicLength);
    if (!Number.isSafeInteger(replay) || replay < 0) {
      throw failure('invalid-option', 'replay must be a non-negative integer');
    }
    const sub = (this.#count += 1);
    const subscription = new TabSubscription<unknown>(
      { kind: 'subscribe', sub, topic, replay },
      (op) => this.#connector.push(op),
      () => this.#subscriptions.delete(sub),
    );
    if (this.#end) {
      subscription.end(this.#end);
      return subscription;
    }
    this.#subscriptions.set(sub, subscription);
    this.#connector.push(subscription.resumeOp());
    const close = () => subscription.close();
    if (signal?.aborted) close();
    else signal?.addEventListener('abort', close, { once: true });
    return subscription;
  }

  publish(topic: string, payload: unknown, { ttlMs }: PublishOptions = {}): Delivery {
    checkName('topic', topic, protocolLimits.topicLength);
    if (ttlMs !== undefined) positive('ttlMs', ttlMs);
    const encoded = encodePayload(payload);
    const tabSeq = (this.#tabSeq += 1);
    const op = {
      kind: 'publish',
      tabSeq,
      id: crypto.randomUUID(),
      topic,
      ts: Date.now(),
      ...encoded,
      ...(ttlMs === undefined ? {} : { ttlMs }),
    } as const;
    const isFull = this.#deliveries.size >= this.#settings.config.queue.maxEntries;
    const delivery = this.#deliveries.add(op);
    if (this.#end || isFull) this.#deliveries.drop(tabSeq, this.#end ?? queueFull());
    else this.#connector.push(op);
    return delivery;
  }

  async request(method: string, input: unknown, options: RequestOptions = {}): Promise<unknown> {
    const { timeoutMs = tabLimits.requestTimeoutMs, signal } = options;
    checkName('method', method, protocolLimits.methodLength);
    positive('timeoutMs', timeoutMs);
    if (signal?.aborted) throw aborted(signal);
    const id = this.#nextId();
    const cancel = (error: ConnectionError) => {
      if (this.#calls.reject(id, error)) this.#connector.push({ kind: 'cancel', id });
    };
    const onAbort = () => cancel(aborted(signal!));
    const message = `no answer to ${method} within ${timeoutMs} ms; its outcome is unknown`;
    const untime = pageTimers.after(timeoutMs, () => cancel(failure('timeout', message)));
    signal?.addEventListener('abort', onAbort);
    try {
      return await this.#call({
        kind: 'request',
        id,
        method,
        ts: Date.now(),
        timeoutMs,
        ...encodePayload(input),
      });
    } finally {
      untime();
      signal?.removeEventListener('abort', onAbort);
    }
  }

  async reconnect(): Promise<void> {
    await this.#call({ kind: 'reconnect', id: this.#nextId() });
  }

  async close(): Promise<void> {
    if (this.#end) return;
    this.#end = failure('closed', 'this tab has closed its connection');
    await withDeadline(this.#deliveries.allStored(), tabLimits.closeTimeoutMs, pageTimers);
    this.#finish(this.#end);
  }

  async [asyncDispose](): Promise<void> {
    await this.close();
  }

  #nextId(): string {
    return `${(this.#count += 1)}`;
  }

  #call(op: CallOp): Promise<unknown> {
    if (this.#end) return Promise.reject(this.#end);
    if (this.#calls.size >= tabLimits.calls) return Promise.reject(queueFull());
    const answer = this.#calls.add(op);
    this.#connector.push(op);
    return answer;
  }

  /** Takes the state of the hub, and gives what it has to be told. */
  #attached({ hubId, host, tabSeq, settled, status }: HubAttachment['reply']) {
    const before = this.#status.hubId;
    const isOtherHub = before !== null && before !== hubId;
    const lost = new ConnectionError(
      errorData('hub-lost', 'the hub was lost; the outcome is unknown', { retryable: true }),
    );
    this.#setStatus({ ...status, hubId, host, tabId: this.#tabId });
    return [
      ...Array.from(this.#subscriptions.values(), (subscription) => subscription.resumeOp()),
      ...this.#deliveries.attached(tabSeq, settled, isOtherHub, lost),
      ...this.#calls.attached(lost),
    ];
  }

  #take(item: TabItem): void {
    switch (item.kind) {
      case 'status': {
        const { hubId, host, tabId } = this.#status;
        return this.#setStatus({ ...item.status, hubId, host, tabId });
      }
      case 'stored':
      case 'acked':
      case 'failed':
        return this.#deliveries.take(item);
      case 'response':
      case 'error':
        return this.#calls.take(item);
      default:
        return this.#subscriptions.get(item.sub)?.take(item);
    }
  }

  /** Ends this tab's use of the connection, on purpose or because no hub can be had. */
  #finish(error: ConnectionError): void {
    this.#end = error;
    this.#unwatchPage();
    this.#connector.leave();
    for (const subscription of this.#subscriptions.values()) subscription.end(error);
    this.#deliveries.end(error);
    this.#calls.end(error);
    const { code, message, retryable } = error;
    const lastError = code === 'closed' ? this.#status.lastError : { code, message, retryable };
    this.#setStatus({ ...this.#status, state: 'closed', lastError });
  }

  #setStatus(status: SocketStatus): void {
    this.#status = status;
    this.#tell('status', status);
  }

  #tell<E extends keyof SocketEventMap>(type: E, detail: SocketEventMap[E]['detail']): void {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

const queueFull = () =>
  new ConnectionError(errorData('queue-full', 'too much waits for the server', { retryable: true }));

const aborted = ({ reason }: AbortSignal) => failure('aborted', 'the request was aborted', reason);

const initialStatus = (tabId: string): SocketStatus => ({
  state: 'connecting',
  host: null,
  hubId: null,
  tabId,
  attempt: 0,
  nextRetryAt: null,
  rttMs: null,
  lastError: null,
  queue: { entries: 0, bytes: 0 },
  tabs: [],
  topics: 0,
  durability: 'memory',
  dropped: 0,
});
