import type { Remote } from 'comlink';
import type {
  AttachReply,
  AttachRequest,
  HubApi,
  HubStatus,
  TabApi,
  TabOp,
} from '../../worker/core/hub-api.ts';
import { deferred, type Deferred } from '../deferred.ts';
import type { PageEvents } from '../page-signals.ts';
import type { TabWorld } from '../tab-world.ts';
import { partsWorld } from './parts-world.ts';

/** One way to a host that does what a test tells it. */
interface ScriptedHost {
  readonly url: string;
  readonly hubName: string;
  /** The tab's side. */
  readonly api: TabApi;
  readonly attaches: readonly AttachRequest[];
  /** Everything that was pushed, in order. */
  readonly ops: readonly TabOp[];
  readonly detached: readonly string[];
  readonly isClosed: boolean;
  /** Answers the last attach. */
  answer(reply: AttachReply): void;
  /** The host cannot be started. */
  fail(error: Error): void;
}

/** A page in Node. It has hosts that the test plays, and locks that are held until the test frees them. */
export function scriptedWorld() {
  const hosts: ScriptedHost[] = [];
  const watchers = new Map<string, Set<() => void>>();
  const held = new Set<string>();
  let page: PageEvents | null = null;

  const world: TabWorld = {
    ...partsWorld,
    visibility: () => 'visible',
    locks: {
      async hold(name) {
        held.add(name);
        return () => void held.delete(name);
      },
      whenFree(name, onFree) {
        const all = watchers.get(name) ?? new Set();
        watchers.set(name, all.add(onFree));
        return () => void all.delete(onFree);
      },
    },
    openHub(url, hubName, api, failed) {
      const host = openHost(url, hubName, api, failed);
      hosts.push(host);
      return { hub: host.hub, close: host.close };
    },
    watchPage(events, signal) {
      page = events;
      signal.addEventListener('abort', () => (page = null));
    },
  };

  return {
    world,
    hosts,
    held,
    page: () => page,
    /** How many wait for this lock. */
    watching: (name: string) => watchers.get(name)?.size ?? 0,
    /** The holder of this lock has died. */
    free: (name: string) => watchers.get(name)?.forEach((onFree) => onFree()),
  };
}

function openHost(url: string, hubName: string, api: TabApi, fail: (error: Error) => void) {
  const attaches: AttachRequest[] = [];
  const answers: Deferred<AttachReply>[] = [];
  const ops: TabOp[] = [];
  const detached: string[] = [];
  let isClosed = false;
  const hub = {
    attach(request: AttachRequest) {
      attaches.push(request);
      const answer = deferred<AttachReply>();
      answers.push(answer);
      return answer.promise;
    },
    async push(_hubId: string, _tabId: string, batch: readonly TabOp[]) {
      ops.push(...batch);
      return 'taken' as const;
    },
    detach: async (_hubId: string, tabId: string) => void detached.push(tabId),
  };
  return {
    url,
    hubName,
    api,
    attaches,
    ops,
    detached,
    fail,
    hub: hub as unknown as Remote<HubApi>,
    close: () => void (isClosed = true),
    get isClosed() {
      return isClosed;
    },
    answer: (reply: AttachReply) => answers.at(-1)!.resolve(reply),
  };
}

/** How a hub of this id answers an attach: it has taken nothing unless said. */
export const attachedReply = (
  hubId: string,
  {
    status,
    ...more
  }: Partial<Omit<Extract<AttachReply, { kind: 'attached' }>, 'status'>> & {
    status?: Partial<HubStatus>;
  } = {},
): AttachReply => ({
  kind: 'attached',
  takenUpTo: 0,
  storedUpTo: 0,
  ackedUpTo: 0,
  failed: [],
  lifeLock: `life of ${hubId}`,
  status: {
    hubId,
    host: 'shared-worker',
    state: 'open',
    attempt: 0,
    nextRetryAt: null,
    rttMs: null,
    lastError: null,
    queue: { entries: 0, bytes: 0 },
    tabs: [],
    topics: 0,
    durability: 'strict',
    storeError: null,
    dropped: 0,
    ...status,
  },
  ...more,
});
