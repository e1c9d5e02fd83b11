import type { TabItem, TabOp } from '../worker/core/hub-api.ts';
import { withDeadline } from '../worker/deadline.ts';
import { asyncDispose } from './async-dispose.ts';
import { createCalls, type CallOp } from './calls.ts';
import { createDeliveries } from './deliveries.ts';
import { failure, passingFailure } from './failure.ts';
import type { HubAttachment } from './hub-attachment.ts';
import { createHubConnector } from './hub-connector.ts';
import * as tabLimits from './limits.ts';
import { checkName, invalid, positive, type Settings } from './options.ts';
import { watchPage } from './page-signals.ts';
import { pageTimers } from './page-timers.ts';
import { decodePayload, encodePayload } from './payload.ts';
import { ConnectionError } from './protocol/errors.ts';
import * as protocolLimits from './protocol/limits.ts';
import { createSubscription, type TabSubscription } from './subscription.ts';
import { readToken } from './token.ts';
import type {
  Delivery,
  OneSocket,
  PublishOptions,
  RequestOptions,
  SocketEventMap,
  SocketStatus,
  SubscribeOptions,
  Subscription,
} from './types.ts';

/** The facade of one tab: what it asks goes in batches to the hub, what the hub tells goes to its askers. */
export function createClient(settings: Settings): OneSocket {
  const tabId = crypto.randomUUID();
  const events = new EventTarget();
  const calls = createCalls();
  const deliveries = createDeliveries(({ id, topic }, error) => tell('dropped', { id, topic, error }));
  const subscriptions = new Map<number, TabSubscription<unknown>>();
  const watching = new AbortController();
  let status = initialStatus(tabId);
  let count = 0;
  let tabSeq = 0;
  /** Why everything from now on fails; null while this tab is in use. */
  let end: ConnectionError | null = null;

  const connector = createHubConnector(tabId, settings, {
    api: {
      deliver(hubId, _number, items) {
        if (hubId === status.hubId) items.forEach(take);
      },
      token: () => readToken(settings.auth),
    },
    attached,
    detached() {
      if (!end) setStatus({ ...status, state: 'connecting' });
    },
    failed: finish,
    pushed: calls.pushed,
  });

  /** Takes the state of the hub, and gives what it has to be told. */
  function attached(reply: HubAttachment['reply']): TabOp[] {
    const lost = passingFailure('hub-lost', 'the hub was lost; the outcome is unknown');
    if (status.hubId && status.hubId !== reply.status.hubId) deliveries.hubLost(lost);
    deliveries.acked(reply.settled);
    deliveries.stored(reply.tabSeq);
    calls.end(lost, false);
    setStatus({ ...reply.status, tabId });
    const resumed = Array.from(subscriptions.values(), (subscription) => subscription.resumeOp());
    return [...resumed, ...deliveries.unstored(), ...calls.unpushed()];
  }

  function take(item: TabItem): void {
    switch (item.kind) {
      case 'status':
        return setStatus({ ...item.status, tabId });
      case 'stored':
        return deliveries.stored(item.upTo);
      case 'acked':
        return deliveries.acked(item.upTo);
      case 'failed':
        return deliveries.drop(item.tabSeq, new ConnectionError(item.error));
      case 'response':
        return calls.resolve(item.id, decodePayload(item));
      case 'error':
        return void calls.reject(item.id, new ConnectionError(item.error));
      default:
        return subscriptions.get(item.sub)?.take(item);
    }
  }

  function setStatus(next: SocketStatus): void {
    status = next;
    tell('status', status);
  }

  function tell<E extends keyof SocketEventMap>(type: E, detail: SocketEventMap[E]['detail']): void {
    events.dispatchEvent(new CustomEvent(type, { detail }));
  }

  /** Ends this tab's use of the connection, on purpose or because no hub can be had. */
  function finish(error: ConnectionError): void {
    end = error;
    watching.abort();
    connector.leave();
    // A loop over messages ends in peace where the app itself has closed.
    const loopError = error.code === 'closed' ? null : error;
    for (const subscription of subscriptions.values()) subscription.end(loopError);
    deliveries.end(error);
    calls.end(error);
    setStatus({ ...status, state: 'closed', lastError: error });
  }

  async function call(op: CallOp): Promise<unknown> {
    if (end) throw end;
    if (calls.size() >= tabLimits.calls) throw queueFull();
    const answer = calls.add(op);
    connector.push(op);
    return answer;
  }

  function subscribe(topic: string, { replay = 0, signal }: SubscribeOptions = {}): Subscription {
    checkName('topic', topic, protocolLimits.topicLength);
    if (!Number.isSafeInteger(replay) || replay < 0) invalid('replay', 'an integer from 0 on');
    const sub = (count += 1);
    const op = { kind: 'subscribe', sub, topic, replay } as const;
    const subscription = createSubscription<unknown>(op, connector.push, () => subscriptions.delete(sub));
    if (end) {
      subscription.end(end);
      return subscription;
    }
    subscriptions.set(sub, subscription);
    connector.push(op);
    signal?.addEventListener('abort', subscription.close);
    if (signal?.aborted) subscription.close();
    return subscription;
  }

  function publish(topic: string, payload: unknown, { ttlMs }: PublishOptions = {}): Delivery {
    checkName('topic', topic, protocolLimits.topicLength);
    if (ttlMs !== undefined) positive('ttlMs', ttlMs);
    const encoded = encodePayload(payload);
    tabSeq += 1;
    const op = {
      kind: 'publish',
      tabSeq,
      id: crypto.randomUUID(),
      topic,
      ts: Date.now(),
      ttlMs,
      ...encoded,
    } as const;
    const isFull = deliveries.size() >= (settings.hub.queue?.maxEntries ?? tabLimits.pendingEntries);
    const delivery = deliveries.add(op);
    if (end || isFull) deliveries.drop(tabSeq, end ?? queueFull());
    else connector.push(op);
    return delivery;
  }

  async function request(method: string, input: unknown, options: RequestOptions = {}): Promise<never> {
    const { timeoutMs = tabLimits.requestTimeoutMs, signal } = options;
    checkName('method', method, protocolLimits.methodLength);
    positive('timeoutMs', timeoutMs);
    const id = `${(count += 1)}`;
    const cancel = (error: ConnectionError) => {
      if (calls.reject(id, error)) connector.push({ kind: 'cancel', id });
    };
    const onAbort = () => cancel(failure('aborted', 'aborted', signal?.reason));
    const untime = pageTimers.after(timeoutMs, () =>
      cancel(failure('timeout', `no answer in ${timeoutMs} ms; the outcome is unknown`)),
    );
    const answer = call({ kind: 'request', id, method, ts: Date.now(), timeoutMs, ...encodePayload(input) });
    signal?.addEventListener('abort', onAbort);
    if (signal?.aborted) onAbort();
    try {
      return (await answer) as never;
    } finally {
      untime();
      signal?.removeEventListener('abort', onAbort);
    }
  }

  async function reconnect(): Promise<void> {
    await call({ kind: 'reconnect', id: `${(count += 1)}` });
  }

  async function close(): Promise<void> {
    if (end) return;
    end = failure('closed', 'this tab has left');
    await withDeadline(deliveries.allStored(), tabLimits.closeTimeoutMs, pageTimers);
    finish(end);
  }

  watchPage(
    {
      signal: (signal) => connector.push({ kind: 'signal', signal }),
      hidden: connector.leave,
      restored: connector.attach,
    },
    watching.signal,
  );
  void connector.attach();
  // The methods and the live status on top of an EventTarget are what OneSocket asks for.
  const methods = { subscribe, publish, request, reconnect, close, [asyncDispose]: close };
  const properties = { status: { get: () => status } };
  return Object.defineProperties(Object.assign(events, methods), properties) as unknown as OneSocket;
}

const queueFull = () => passingFailure('queue-full', 'too much is waiting');

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
