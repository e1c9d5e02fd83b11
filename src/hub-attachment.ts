import { expose, wrap, type Remote } from 'comlink';
import type { AttachReply, AttachRequest, HubApi, TabApi } from '../worker/core/hub-api.ts';
import { withDeadline } from '../worker/deadline.ts';
import { failure } from './failure.ts';
import * as tabLimits from './limits.ts';
import { ConnectionError } from './protocol/errors.ts';
import { timers } from '../worker/timers.ts';

/** This tab's way to its hub. */
export interface HubAttachment {
  readonly hub: Remote<HubApi>;
  readonly reply: Extract<AttachReply, { kind: 'attached' }>;
  close(): void;
}

/**
 * Attaches to the hub in the SharedWorker of this name, starting it if need be. A worker that is ending takes
 * connections without an answer, so that each attempt has a deadline, and the next one begins anew.
 * Rejects with a ConnectionError: `host-unavailable`, or what the hub refused the tab with.
 */
export async function attachSharedWorker(
  url: string,
  name: string,
  request: AttachRequest,
  api: TabApi,
): Promise<HubAttachment> {
  for (
    let deadlineMs = tabLimits.attachTimeoutMs;
    deadlineMs <= tabLimits.attachTimeoutMaxMs;
    deadlineMs *= 2
  ) {
    const worker = startWorker(url, name);
    const hub = wrap<HubApi>(worker.port);
    // Comlink's releaseProxy would wait for an answer, and one that comes after `pagehide` evicts the page from the
    // back/forward cache.
    const close = () => worker.port.close();
    expose(api, worker.port);
    const answer = new Promise<AttachReply>((resolve, reject) => {
      worker.onerror = (event) => reject(unavailable(url, (event as ErrorEvent).message ?? 'not loaded'));
      hub.attach(request).then(resolve, reject);
    });
    let reply: AttachReply | undefined;
    try {
      reply = await withDeadline(answer, deadlineMs, timers);
      if (reply?.kind === 'attached') return { hub, reply, close };
      if (reply) throw new ConnectionError(reply.error);
    } finally {
      if (reply?.kind !== 'attached') close();
    }
  }
  throw unavailable(url, 'no answer');
}

const unavailable = (url: string, reason: unknown) =>
  failure('host-unavailable', `no SharedWorker from ${url}: ${reason}`, reason);

function startWorker(url: string, name: string): SharedWorker {
  try {
    return new SharedWorker(url, { type: 'module', name });
  } catch (cause) {
    // A ReferenceError (no such thing here), a SecurityError (another origin, or a content security policy) or a
    // TypeError (Trusted Types).
    throw unavailable(url, cause);
  }
}
