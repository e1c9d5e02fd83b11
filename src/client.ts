import type { TabOp } from '../worker/core/hub-api.ts';
import { withDeadline } from '../worker/deadline.ts';
import { asyncDispose } from './async-dispose.ts';
import { failure } from './failure.ts';
import { createHubConnector } from './hub-connector.ts';
import * as tabLimits from './limits.ts';
import type { Settings } from './options.ts';
import { watchPage } from './page-signals.ts';
import { createParts } from './parts.ts';
import type { ConnectionError, ErrorData } from './protocol/errors.ts';
import { initialStatus } from './status.ts';
import { readToken } from './token.ts';
import type { OneSocket, SocketEventMap, SocketStatus } from './types.ts';
import { timers } from '../worker/timers.ts';

/** The facade of one tab: puts its parts, its way to the hub and its page together. */
export function createClient(settings: Settings): OneSocket {
  const tabId = crypto.randomUUID();
  const events = new EventTarget();
  const watching = new AbortController();
  let status = initialStatus(tabId);
  /** Why everything from now on fails; null while this tab is in use. */
  let end: ConnectionError | null = null;

  const tell = <E extends keyof SocketEventMap>(type: E, detail: SocketEventMap[E]['detail']) =>
    events.dispatchEvent(new CustomEvent(type, { detail }));
  const setStatus = (next: SocketStatus) => tell('status', (status = next));
  const push = (op: TabOp) => connector.push(op);
  const parts = createParts(settings, { push, ended: () => end }, (drop) => tell('dropped', drop));

  /** Ends this tab's use of the connection, on purpose or because no hub can be had. */
  function finish(error: ConnectionError, lastError: ErrorData | null): void {
    end = error;
    watching.abort();
    connector.leave();
    parts.end(error);
    setStatus({ ...status, state: 'closed', lastError });
  }

  const connector = createHubConnector(tabId, settings, {
    api: {
      deliver(hubId, _number, items) {
        if (hubId !== status.hubId) return;
        for (const item of items) {
          if (item.kind === 'status') setStatus({ ...item.status, tabId });
          else parts.take(item);
        }
      },
      token: () => readToken(settings.auth),
    },
    attached(reply) {
      const before = status.hubId;
      setStatus({ ...reply.status, tabId });
      const ops = parts.resume(reply, before !== null && before !== status.hubId);
      return [{ kind: 'signal', signal: document.visibilityState }, ...ops];
    },
    detached: () => end ?? setStatus({ ...status, state: 'connecting' }),
    failed: (error) => finish(error, { ...error, message: error.message }),
    pushed: parts.calls.pushed,
  });

  async function close(): Promise<void> {
    if (end) return;
    end = failure('closed', 'closed');
    await withDeadline(parts.deliveries.allStored(), tabLimits.closeTimeoutMs, timers);
    finish(end, status.lastError);
  }

  const signal = (name: 'online' | DocumentVisibilityState | 'resume') =>
    push({ kind: 'signal', signal: name });
  watchPage({ signal, hidden: connector.leave, restored: connector.attach }, watching.signal);
  void connector.attach();

  const { request, reconnect } = parts.calls;
  const { subscribe } = parts.subscriptions;
  const { publish } = parts.deliveries;
  const methods = { subscribe, publish, request, reconnect, close, [asyncDispose]: close };
  const properties = { status: { get: () => status } };
  return Object.defineProperties(Object.assign(events, methods), properties) as unknown as OneSocket;
}
