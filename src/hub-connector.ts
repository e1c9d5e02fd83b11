import { hubApiVersion, type TabApi, type TabOp } from '../worker/core/hub-api.ts';
import { tabLock } from '../worker/names.ts';
import { failure } from './failure.ts';
import { attachToHub, type HubAttachment } from './hub-attachment.ts';
import { createOpQueue, type OpQueue } from './op-queue.ts';
import type { Settings } from './options.ts';
import { ConnectionError } from './protocol/errors.ts';
import type { TabWorld } from './tab-world.ts';

/** What a connector needs of the tab that it serves. */
export interface ConnectorHooks {
  readonly api: TabApi;
  /** Attached: gives what the hub has to be told first. */
  attached(reply: HubAttachment['reply']): TabOp[];
  /** The hub is gone, or the page goes to the back/forward cache; another attempt follows. */
  detached(): void;
  /** No hub can be had here. */
  failed(error: ConnectionError): void;
  /** An op goes out to the hub. */
  pushed(op: TabOp): void;
}

/** Keeps a tab attached to a hub: locks, attachment, queue, and beginning anew. */
export interface HubConnector {
  /** Queues an op. While no hub is attached it is dropped: what matters then is told with the attachment. */
  push(op: TabOp): void;
  /** Attaches to a hub. Never rejects: what goes wrong is told by `failed`. */
  attach(): Promise<void>;
  /** Says goodbye and lets go of everything, so that the page may be cached and the hub forgets this tab. */
  leave(): void;
}

export function createHubConnector(
  tabId: string,
  { hubName, worker, hub: options, auth }: Settings,
  world: TabWorld,
  hooks: ConnectorHooks,
): HubConnector {
  const { locks } = world;
  let attachment: HubAttachment | null = null;
  let ops: OpQueue | null = null;
  let release: (() => void) | undefined;
  let wasAttached = false;
  /** Ends the attempt that is under way, so that nothing of it takes effect too late. */
  let attempt = new AbortController();

  async function attach(): Promise<void> {
    attempt.abort();
    const { signal } = (attempt = new AbortController());
    try {
      const lockName = tabLock(hubName, tabId);
      const lock = release ?? (await locks?.hold(lockName));
      // The tab has left meanwhile: a lock that nobody releases would keep it alive at the hub.
      if (signal.aborted) return lock?.();
      release = lock;
      const request = {
        version: hubApiVersion,
        tabId,
        lockName: release ? lockName : null,
        options,
        hasAuth: auth !== undefined,
      };
      const attached = await attachToHub(world, worker, hubName, request, hooks.api, signal, wasAttached);
      if (attached && !signal.aborted) begin(attached, signal);
    } catch (cause) {
      if (signal.aborted) return;
      hooks.failed(
        cause instanceof ConnectionError ? cause : failure('host-unavailable', String(cause), cause),
      );
    }
  }

  function begin(attached: HubAttachment, signal: AbortSignal): void {
    attachment = attached;
    wasAttached = true;
    const { hub, reply } = attached;
    const lost = () => {
      if (signal.aborted) return;
      drop();
      void attach();
    };
    const push = (batch: readonly TabOp[]) => hub.push(reply.status.hubId, tabId, batch);
    ops = createOpQueue({ push, pushed: hooks.pushed, lost }, hooks.attached(reply), world);
    // Nobody but this lock tells that the hub is dead. Without locks the deadline of the next batch has to do.
    if (locks && reply.lifeLock) {
      signal.addEventListener('abort', locks.whenFree(reply.lifeLock, lost));
    }
  }

  function drop(): void {
    attempt.abort();
    ops?.close();
    attachment?.close();
    attachment = ops = null;
    hooks.detached();
  }

  return {
    attach,
    push: (op) => ops?.push(op),
    leave() {
      if (attachment) void attachment.hub.detach(attachment.reply.status.hubId, tabId);
      drop();
      release?.();
      release = undefined;
    },
  };
}
