import type { Remote } from 'comlink';
import type {
  AttachReply,
  AttachRequest,
  HubApi,
  HubStatus,
  TabApi,
  TabOp,
} from '../../worker/core/hub-api.ts';
import { linkHub } from '../browser-port.ts';
import { deferred, type Deferred } from '../deferred.ts';
import { failure } from '../failure.ts';
import type { PageEvents } from '../page-signals.ts';
import type { EngineHost, HostOption, TabWorld } from '../tab-world.ts';
import { partsWorld } from './parts-world.ts';
import { scriptedChannels } from './scripted-channel.ts';
import { scriptedLocks } from './scripted-locks.ts';

/** One way to a host that does what a test tells it. */
interface ScriptedHost {
  readonly kind: HostOption;
  readonly url: string;
  readonly hubName: string;
  /** The tab's side. */
  readonly api: TabApi;
  readonly attaches: readonly AttachRequest[];
  /** Everything that was pushed, in order. */
  readonly ops: readonly TabOp[];
  readonly detached: readonly string[];
  readonly isClosed: boolean;
  /** Of a SharedWorker. */
  readonly life: number;
  /** Answers the last attach. */
  answer(reply: AttachReply): void;
  /** The host cannot be started. */
  fail(error: Error): void;
}

/** A page in Node. It has hosts that the test plays, and locks that are granted and freed by the test. */
export function scriptedWorld() {
  const hosts: ScriptedHost[] = [];
  /** Hosts whose constructor throws. */
  const blocked = new Set<HostOption>();
  const engines: EngineHost[] = [];
  const stopped: EngineHost[] = [];
  let page: PageEvents | null = null;
  const { locks, ...lockTools } = scriptedLocks();
  const { openChannel, listening } = scriptedChannels();

  function open(
    kind: HostOption,
    ...[url, hubName, api, failed, life]: Parameters<TabWorld['openSharedWorker']>
  ) {
    const host = Object.assign(openHost(kind, url, hubName, api, failed), { life });
    hosts.push(host);
    return { hub: host.hub, close: host.close };
  }
  const construct = (kind: HostOption) => {
    if (blocked.has(kind)) throw failure('host-unavailable', `no ${kind}`);
  };

  const world: TabWorld = {
    ...partsWorld,
    visibility: () => 'visible',
    locks,
    openChannel,
    linkHub,
    lingers: false,
    openSharedWorker(...way) {
      construct('shared-worker');
      return open('shared-worker', ...way);
    },
    startEngine(kind, url, hubName, failed) {
      construct(kind);
      engines.push(kind);
      return {
        open: (api) => open(kind, url, hubName, api, failed, 0),
        stop: () => void stopped.push(kind),
      };
    },
    watchPage(events, signal) {
      page = events;
      signal.addEventListener('abort', () => (page = null));
    },
  };
  return { ...lockTools, world, hosts, blocked, engines, stopped, listening, page: () => page };
}

function openHost(kind: HostOption, url: string, hubName: string, api: TabApi, fail: (error: Error) => void) {
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
    kind,
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
    signalsDropped: 0,
    isOutdated: false,
    ...status,
  },
  ...more,
});
