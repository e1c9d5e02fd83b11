import { hubApiVersion, type TabApi, type TabOp } from '../worker/core/hub-api.ts';
import { failure } from './failure.ts';
import { attachSharedWorker, type HubAttachment } from './hub-attachment.ts';
import { createOpQueue, type OpQueue } from './op-queue.ts';
import type { Settings } from './options.ts';
import { ConnectionError } from './protocol/errors.ts';
import { holdTabLock } from './tab-lock.ts';

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

/** Keeps a tab attached to a hub: lock, attachment, queue, and beginning anew. */
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
  { name, worker, hub: options, auth }: Settings,
  hooks: ConnectorHooks,
): HubConnector {
  let attachment: HubAttachment | null = null;
  let ops: OpQueue | null = null;
  let release: (() => void) | undefined;
  /** Counts attempts, so that one that comes too late is dropped. */
  let attempts = 0;

  async function attach(): Promise<void> {
    const attempt = (attempts += 1);
    try {
      const lockName = `onesocket:${name}:tab:${tabId}`;
      const lock = release ?? (await holdTabLock(lockName));
      // The tab has left meanwhile: a lock that nobody releases would keep it alive at the hub.
      if (attempt !== attempts) return lock?.();
      release = lock;
      const request = {
        version: hubApiVersion,
        tabId,
        lockName: release ? lockName : null,
        options,
        hasAuth: auth !== undefined,
      };
      const attached = await attachSharedWorker(worker, `onesocket:${name}`, request, hooks.api);
      if (attempt === attempts) begin(attached);
      else attached.close();
    } catch (cause) {
      if (attempt !== attempts) return;
      hooks.failed(
        cause instanceof ConnectionError ? cause : failure('host-unavailable', String(cause), cause),
      );
    }
  }

  function begin(attached: HubAttachment): void {
    attachment = attached;
    const { hub, reply } = attached;
    const target = {
      push: (batch: readonly TabOp[]) => hub.push(reply.status.hubId, tabId, batch),
      pushed: hooks.pushed,
      lost() {
        drop();
        void attach();
      },
    };
    ops = createOpQueue(target, hooks.attached(reply));
  }

  function drop(): void {
    ops?.close();
    attachment?.close();
    attachment = ops = null;
    hooks.detached();
  }

  return {
    attach,
    push: (op) => ops?.push(op),
    leave() {
      attempts += 1;
      if (attachment) void attachment.hub.detach(attachment.reply.status.hubId, tabId);
      drop();
      release?.();
      release = undefined;
    },
  };
}
