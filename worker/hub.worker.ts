import { openChannel } from './broadcast-channel.ts';
import { platformClock } from './clock.ts';
import { hubApiVersion, type HostKind } from './core/hub-api.ts';
import { HubHost } from './hub-host.ts';
import { hubNameOf, isForOneTab } from './names.ts';
import { randomId } from './random-id.ts';
import { indexedDbOutbox } from './store/indexed-db-outbox.ts';
import { memoryOutbox } from './store/memory-outbox.ts';
import { linkOver, portLink } from './tab-link.ts';
import { webLocks } from './web-locks.ts';
import { dialWebSocket } from './web-socket-transport.ts';

/** What the global scopes of both kinds of worker have, whichever library of types is at hand. */
interface WorkerScope {
  readonly name: string;
  close(): void;
  addEventListener(type: string, listener: (event: Event) => void): void;
}

/** A hub that runs in a page, for the tab that has imported this script there. */
export interface PageEngine {
  /** Serves the tab at the other end. */
  connect(port: MessagePort): void;
  /** Ends the hub, and lets go of all that it has. */
  stop(): void;
}

/**
 * The hub's root: puts the platform's adapters together, in the three scopes where a hub can run. As a SharedWorker, each
 * `connect` brings a tab's port. As a worker of one tab, each message does. In a page it does nothing but leave a function
 * that starts a hub, by the symbol `onesocket:<version of the contract>`. The worker's name has the hub's in it.
 */
function createHub(host: HostKind, hubName: string, ended?: () => void): HubHost {
  const isUnshared = host === 'unshared';
  return new HubHost({
    host,
    hubName,
    isElected: host !== 'shared-worker',
    clock: platformClock,
    randomId,
    store: isUnshared ? memoryOutbox(platformClock) : indexedDbOutbox(hubName, platformClock),
    dial: dialWebSocket,
    locks: isUnshared ? null : webLocks,
    openChannel: isUnshared ? null : openChannel,
    linkOver,
    ...(ended && { ended }),
  });
}

function startInPage(hubName: string, isAlone: boolean): PageEngine {
  const hub = createHub(isAlone ? 'unshared' : 'page', hubName);
  return { connect: (port) => hub.accept(portLink(port)), stop: () => hub.end() };
}

function startInWorker(scope: WorkerScope): void {
  const isShared = 'onconnect' in scope;
  const ownHost = isForOneTab(scope.name) ? 'unshared' : 'dedicated-worker';
  const host = isShared ? 'shared-worker' : ownHost;
  const hub = createHub(host, hubNameOf(scope.name), () => scope.close());
  scope.addEventListener(isShared ? 'connect' : 'message', (event) =>
    hub.accept(portLink((event as MessageEvent).ports[0]!)),
  );
  scope.addEventListener('error', (event) => hub.trouble((event as ErrorEvent).error));
  scope.addEventListener('unhandledrejection', (event) =>
    hub.trouble((event as PromiseRejectionEvent).reason),
  );
}

if ('document' in globalThis) {
  Object.assign(globalThis, { [Symbol.for(`onesocket:${hubApiVersion}`)]: startInPage });
} else {
  startInWorker(globalThis as unknown as WorkerScope);
}
