import { expose, releaseProxy, wrap, type Remote } from 'comlink';
import type { AttachReply, AttachRequest, HubApi, TabApi } from '../worker/core/hub-api.ts';
import { withDeadline } from '../worker/deadline.ts';
import { failure } from './failure.ts';
import * as tabLimits from './limits.ts';
import { pageTimers } from './page-timers.ts';
import { ConnectionError } from './protocol/errors.ts';

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
  worker: { readonly url: string; readonly name: string },
  request: AttachRequest,
  api: TabApi,
): Promise<HubAttachment> {
  const startedAt = performance.now();
  for (let deadlineMs = tabLimits.attachTimeoutMs; ; deadlineMs *= 2) {
    const attachment = await attemptAttach(worker, request, api, deadlineMs);
    if (attachment) return attachment;
    if (performance.now() - startedAt + deadlineMs * 2 > tabLimits.attachTotalMs) {
      throw failure('host-unavailable', `the SharedWorker at ${worker.url} did not answer in time`);
    }
  }
}

async function attemptAttach(
  { url, name }: { readonly url: string; readonly name: string },
  request: AttachRequest,
  api: TabApi,
  deadlineMs: number,
): Promise<HubAttachment | undefined> {
  const { port, failed } = startWorker(url, name);
  const hub = wrap<HubApi>(port);
  const close = () => hub[releaseProxy]();
  expose(api, port);
  try {
    const reply = await withDeadline(Promise.race([hub.attach(request), failed]), deadlineMs, pageTimers);
    if (reply?.kind === 'attached') return { hub, reply, close };
    if (reply) throw new ConnectionError(reply.error);
  } catch (error) {
    close();
    throw error;
  }
  close();
  return undefined;
}

function startWorker(
  url: string,
  name: string,
): { readonly port: MessagePort; readonly failed: Promise<never> } {
  if (!('SharedWorker' in globalThis)) {
    throw failure('host-unavailable', 'this browser has no SharedWorker');
  }
  let worker: SharedWorker;
  try {
    worker = new SharedWorker(url, { type: 'module', name });
  } catch (cause) {
    // A SecurityError (another origin, or a content security policy) or a TypeError (Trusted Types).
    throw failure('host-unavailable', `the SharedWorker at ${url} was refused: ${String(cause)}`, cause);
  }
  const failed = new Promise<never>((_, reject) => {
    worker.addEventListener('error', (event) => {
      const reason = event instanceof ErrorEvent ? event.message : 'not found, or of another type';
      reject(failure('host-unavailable', `the SharedWorker at ${url} failed to start: ${reason}`));
    });
  });
  failed.catch(() => {});
  return { port: worker.port, failed };
}
