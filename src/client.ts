import type { TabOp } from '../worker/core/hub-api.ts';
import { withDeadline } from '../worker/deadline.ts';
import { asyncDispose } from './async-dispose.ts';
import { createBatches } from './batches.ts';
import { failure } from './failure.ts';
import { createHubConnector } from './hub-connector.ts';
import * as tabLimits from './limits.ts';
import type { Settings } from './options.ts';
import { followPage } from './page-life.ts';
import { createParts, type PartItem } from './parts.ts';
import type { ConnectionError, ErrorData } from './protocol/errors.ts';
import { report } from './report.ts';
import { createSignals } from './signals.ts';
import { createTabStatus } from './tab-status.ts';
import type { TabWorld } from './tab-world.ts';
import { readToken } from './token.ts';
import type { OneSocket } from './types.ts';

const dataOf = (error: ConnectionError): ErrorData => ({ ...error, message: error.message });

/** The facade of one tab: puts its parts, its way to the hub and its page together. */
export function createClient(settings: Settings, world: TabWorld): OneSocket {
  const tabId = world.randomId();
  const events = new EventTarget();
  const watching = new AbortController();
  /** Why everything from now on fails; null while this tab is in use. */
  let end: ConnectionError | null = null;
  /** The hub that this tab is attached to: one that was left, or deposed while it was frozen, may still be heard. */
  let hubId: string | null = null;

  const tabStatus = createTabStatus(tabId, events, (next) => parts.sight.status(next));
  const { tell } = tabStatus;
  const push = (op: TabOp) => connector.push(op);
  const parts = createParts(settings, { world, push, ended: () => end }, (drop) => tell('dropped', drop));
  const signal = createSignals({ push, ended: () => end }, tabStatus);

  /** Ends this tab's use of the connection, on purpose or because no hub can be had. */
  function finish(error: ConnectionError, lastError: ErrorData | null): void {
    end = error;
    watching.abort();
    connector.leave();
    parts.end(error);
    batches.takeEarly();
    tabStatus.set({ ...tabStatus.status, state: 'closed', lastError });
  }

  const batches = createBatches({
    hubId: () => hubId,
    take: (item) => (tabStatus.take(item) ? undefined : parts.take(item as PartItem)),
    has: (sub) => parts.subscriptions.has(sub),
  });

  const connector = createHubConnector(tabId, settings, world, {
    api: {
      deliver: batches.deliver,
      token: () => readToken(settings.auth, settings.hub.tokenBy),
      trouble: (message, stack) => report(Object.assign(new Error(message), { stack })),
    },
    attached(reply) {
      const { hubId: formerId, durability } = tabStatus.status;
      ({ hubId } = reply.status);
      tabStatus.setHub(reply.status);
      const lost = formerId !== null && formerId !== hubId ? durability : null;
      const ops = parts.resume(reply, lost);
      batches.takeEarly();
      return [{ kind: 'signal', signal: world.visibility() }, ...ops];
    },
    detached() {
      hubId = null;
      if (end) return;
      parts.detached();
      tabStatus.set({ ...tabStatus.status, state: 'connecting' });
    },
    waits: (error) => tabStatus.set({ ...tabStatus.status, lastError: dataOf(error) }),
    failed: (error) => finish(error, dataOf(error)),
    pushed: parts.pushed,
  });

  async function close(): Promise<void> {
    if (end) return;
    end = failure('closed', 'closed');
    await withDeadline(parts.deliveries.allStored(), tabLimits.closeTimeoutMs, world);
    finish(end, tabStatus.status.lastError);
  }

  followPage(world, connector, watching.signal);
  void connector.attach();

  const methods = { ...parts.methods(), signal, close, [asyncDispose]: close };
  const properties = { status: { get: () => tabStatus.status } };
  return Object.defineProperties(Object.assign(events, methods), properties) as unknown as OneSocket;
}
