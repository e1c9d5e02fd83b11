import type { AttachReply, TabOp } from '../worker/core/hub-api.ts';
import type { HubSearch } from './hub-search.ts';
import { createOpQueue, type OpQueue } from './op-queue.ts';
import type { HubPort } from './tab-world.ts';

/** What the hub answers a tab that it takes. */
export type Attached = Extract<AttachReply, { kind: 'attached' }>;

/** This tab's link to the hub that has taken it. */
export interface HubLink {
  readonly push: OpQueue['push'];
  /** Says goodbye. */
  detach(): void;
}

/**
 * Tells the hub `ops` first, and then what is pushed, until the signal aborts. Looks for a hub anew when this one has
 * died, does not know the tab any more, or does not take a batch in time.
 */
export function linkToHub(
  { world, tabId, signal, anew, lastHub }: HubSearch,
  hub: HubPort['hub'],
  reply: Attached,
  ops: TabOp[],
  pushed: (op: TabOp) => void,
): HubLink {
  const { hubId } = reply.status;
  const lost = () => void (signal.aborted || anew());
  const queue = createOpQueue({ push: (batch) => hub.push(hubId, tabId, batch), pushed, lost }, ops, world);
  signal.addEventListener('abort', queue.close);
  // Nobody but this lock tells that the hub is dead. Without locks the deadline of the next batch has to do.
  lastHub.isDead = false;
  if (world.locks && reply.lifeLock) {
    const died = () => {
      lastHub.isDead = true;
      lost();
    };
    signal.addEventListener('abort', world.locks.whenFree(reply.lifeLock, died));
  }
  return { push: queue.push, detach: () => void hub.detach(hubId, tabId) };
}
