import type { TabApi, TabOp } from '../worker/core/hub-api.ts';
import type { Locks } from '../worker/locks.ts';
import { tabLock } from '../worker/names.ts';
import { failure } from './failure.ts';
import { createHosts, type Hosts } from './hosts.ts';
import { linkToHub, type Attached, type HubLink } from './hub-link.ts';
import type { TabSide } from './hub-search.ts';
import type { Settings } from './options.ts';
import { ConnectionError } from './protocol/errors.ts';
import type { TabWorld } from './tab-world.ts';

/** What a connector needs of the tab that it serves. */
export interface ConnectorHooks {
  readonly api: TabApi;
  /** Attached: gives what the hub has to be told first. */
  attached(reply: Attached): TabOp[];
  /** The hub is gone, or the page goes to the back/forward cache; another attempt follows. */
  detached(): void;
  /** Nothing can be had before the hub has ended: this is why. */
  waits(error: ConnectionError): void;
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
  /** For a page that is about to be frozen. */
  readonly hosts: Pick<Hosts, 'stand' | 'withdraw' | 'hasEngine'>;
}

export function createHubConnector(
  tabId: string,
  settings: Settings,
  world: TabWorld,
  hooks: ConnectorHooks,
): HubConnector {
  /** How often the tab has been here. */
  let stay = 1;
  let channels = 0;
  let side: TabSide = {
    world,
    tabId,
    settings,
    api: hooks.api,
    nextAttempt: () => (channels += 1),
    formerHub: { id: '' },
    lastHub: { isDead: false },
    otherVersion: (version) =>
      hooks.waits(failure('unsupported-version', `the hub speaks version ${version}`)),
    anew,
  };
  let hosts = createHosts(side);
  let link: HubLink | null = null;
  let release: (() => void) | undefined;
  /** Ends the attempt that is under way, so that nothing of it takes effect too late. */
  let attempt = new AbortController();

  async function attach(): Promise<void> {
    attempt.abort();
    const { signal } = (attempt = new AbortController());
    try {
      const lockName = tabLock(settings.hubName, tabId, stay);
      const lock = release ?? (await hold(side.world.locks, lockName));
      // The tab has left meanwhile: a lock that nobody releases would keep it alive at the hub.
      if (signal.aborted) return lock?.();
      if (lock) release = lock;
      else if (side.world.locks) hosts = createHosts((side = withoutStorage(side)));
      const search = { ...side, lockName: side.world.locks && lockName, signal };
      const answer = await hosts.search(search);
      if (!answer || signal.aborted) return;
      const { hub, reply } = answer;
      if (reply.kind === 'refused') throw new ConnectionError(reply.error);
      link = linkToHub(search, hub, reply, hooks.attached(reply), hooks.pushed);
    } catch (cause) {
      if (!signal.aborted) hooks.failed(errorOf(cause));
    }
  }

  function drop(): void {
    attempt.abort();
    if (link) hooks.detached();
    link = null;
  }

  /** With a hub of its own only after the other candidates. */
  function anew(): void {
    drop();
    if (hosts.hasEngine()) hosts.withdraw();
    void attach();
  }

  return {
    get hosts() {
      return hosts;
    },
    attach,
    push: (op) => link?.push(op),
    leave() {
      link?.detach();
      drop();
      hosts.withdraw();
      release?.();
      release = undefined;
      // A frozen hub that is told of this release holds the lock until it thaws: the next stay needs another.
      stay += 1;
    },
  };
}

const errorOf = (cause: unknown): ConnectionError =>
  cause instanceof ConnectionError ? cause : failure('host-unavailable', String(cause), cause);

/** Holds a lock. Undefined where there are no locks, or the page is denied its storage, and its locks with that. */
async function hold(locks: Locks | null, name: string): Promise<(() => void) | undefined> {
  try {
    return await locks?.hold(name);
  } catch (cause) {
    if ((cause as Error).name === 'SecurityError') return undefined;
    throw cause;
  }
}

const withoutStorage = (side: TabSide): TabSide => ({
  ...side,
  world: { ...side.world, locks: null, openChannel: null },
});
