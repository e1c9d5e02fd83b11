import type { AttachRequest, TabApi, TabOp } from '../worker/core/hub-api.ts';
import { hubApiVersion } from '../worker/core/hub-api.ts';
import { attachSharedWorker, type HubAttachment } from './hub-attachment.ts';
import { OpQueue } from './op-queue.ts';
import type { Settings } from './options.ts';
import { ConnectionError, errorData } from './protocol/errors.ts';
import { holdTabLock, type TabLock } from './tab-lock.ts';

/** What a connector needs of the tab that it serves. */
export interface ConnectorHooks {
  readonly api: TabApi;
  /** Attached: gives what the hub has to be told first. */
  attached(reply: HubAttachment['reply']): readonly TabOp[];
  /** The hub is gone, or the page goes to the back/forward cache; another attempt follows. */
  detached(): void;
  /** No hub can be had here. */
  failed(error: ConnectionError): void;
  pushed(op: TabOp): void;
}

/** Keeps this tab attached to a hub: lock, attachment, queue, and beginning anew. */
export class HubConnector {
  readonly #tabId: string;
  readonly #settings: Settings;
  readonly #hooks: ConnectorHooks;
  readonly #ops: OpQueue;
  #attachment: HubAttachment | null = null;
  #lock: TabLock | null = null;
  /** Counts attempts, so that one that comes too late is dropped. */
  #attempt = 0;

  constructor(tabId: string, settings: Settings, hooks: ConnectorHooks) {
    this.#tabId = tabId;
    this.#settings = settings;
    this.#hooks = hooks;
    this.#ops = new OpQueue(hooks.pushed, () => {
      this.#drop();
      void this.attach();
    });
  }

  /** The hub that this tab is attached to. */
  get hubId(): string | null {
    return this.#attachment?.reply.hubId ?? null;
  }

  push(op: TabOp): void {
    this.#ops.push(op);
  }

  /** Attaches to a hub. Never rejects: what goes wrong is told by `failed`. */
  async attach(): Promise<void> {
    const attempt = (this.#attempt += 1);
    const { name, worker } = this.#settings;
    try {
      this.#lock ??= await holdTabLock(`onesocket:${name}:tab:${this.#tabId}`);
      const target = { url: worker, name: `onesocket:${name}` };
      const attachment = await attachSharedWorker(target, this.#request(), this.#hooks.api);
      if (attempt !== this.#attempt) return attachment.close();
      this.#attachment = attachment;
      const { hub, reply } = attachment;
      const ops = this.#hooks.attached(reply);
      this.#ops.open((batch) => hub.push(reply.hubId, this.#tabId, batch), ops);
    } catch (cause) {
      if (attempt === this.#attempt) this.#hooks.failed(asConnectionError(cause));
    }
  }

  /** Says goodbye and lets go of everything, so that the page may be cached and the hub forgets this tab. */
  leave(): void {
    this.#attempt += 1;
    const attached = this.#attachment;
    if (attached) void attached.hub.detach(attached.reply.hubId, this.#tabId);
    this.#drop();
    this.#lock?.release();
    this.#lock = null;
  }

  #drop(): void {
    this.#ops.close();
    this.#attachment?.close();
    this.#attachment = null;
    this.#hooks.detached();
  }

  #request(): AttachRequest {
    const { config, auth } = this.#settings;
    return {
      version: hubApiVersion,
      tabId: this.#tabId,
      lockName: this.#lock?.name ?? null,
      config,
      hasAuth: auth !== undefined,
      visible: document.visibilityState === 'visible',
    };
  }
}

const asConnectionError = (cause: unknown): ConnectionError =>
  cause instanceof ConnectionError
    ? cause
    : new ConnectionError(errorData('host-unavailable', `the hub could not be reached: ${String(cause)}`), {
        cause,
      });
