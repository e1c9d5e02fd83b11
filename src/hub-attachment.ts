import type { AttachReply, AttachRequest, TabApi } from '../worker/core/hub-api.ts';
import { withDeadline } from '../worker/deadline.ts';
import { failure } from './failure.ts';
import * as tabLimits from './limits.ts';
import { ConnectionError } from './protocol/errors.ts';
import type { HubPort, TabWorld } from './tab-world.ts';

/** This tab's way to its hub. */
export interface HubAttachment extends HubPort {
  readonly reply: Extract<AttachReply, { kind: 'attached' }>;
}

/**
 * Attaches to the hub of this name, starting its host if need be. A host that is ending takes connections without an
 * answer, so that each attempt has a deadline, and the next one begins anew. One that answers `waiting` lives, and is
 * asked again for as long as it takes. `isPatient` does not give up: where there was a hub, there will be one. Rejects with a ConnectionError: `host-unavailable`, or what the hub refused
 * the tab with. Settles with null once `signal` aborts.
 */
export async function attachToHub(
  world: TabWorld,
  url: string,
  hubName: string,
  request: AttachRequest,
  api: TabApi,
  signal: AbortSignal,
  isPatient: boolean,
): Promise<HubAttachment | null> {
  let deadlineMs = tabLimits.attachTimeoutMs;
  for (let isLast = false; !isLast;) {
    isLast = !isPatient && deadlineMs >= tabLimits.attachTimeoutMaxMs;
    let fail: (error: Error) => void;
    const port = world.openHub(url, hubName, api, (error) => fail(error));
    const ask = (timeoutMs: number) => {
      const answer = new Promise<AttachReply>((resolve, reject) => {
        fail = reject;
        port.hub.attach(request).then(resolve, reject);
      });
      return withDeadline(answer, timeoutMs, world);
    };
    const close = () => port.close();
    // At once: an answer to a page in the back/forward cache would evict it.
    signal.addEventListener('abort', close);
    let reply: AttachReply | undefined;
    try {
      reply = await ask(deadlineMs);
      while (reply?.kind === 'waiting' && !signal.aborted) {
        [isLast, deadlineMs] = [false, tabLimits.attachTimeoutMs];
        reply = await ask(tabLimits.waitingTimeoutMs);
      }
      if (signal.aborted) return null;
      if (reply?.kind === 'attached') return { hub: port.hub, reply, close };
      if (reply?.kind === 'refused') throw new ConnectionError(reply.error);
    } finally {
      signal.removeEventListener('abort', close);
      if (reply?.kind !== 'attached') close();
    }
    deadlineMs = Math.min(deadlineMs * 2, tabLimits.attachTimeoutMaxMs);
  }
  throw failure('host-unavailable', `no answer from ${url}`);
}
