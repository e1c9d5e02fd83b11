import { platformClock } from './clock.ts';
import { HubHost } from './hub-host.ts';
import { indexedDbOutbox } from './store/indexed-db-outbox.ts';
import { portLink } from './tab-link.ts';
import { webLocks } from './web-locks.ts';
import { dialWebSocket } from './web-socket-transport.ts';

/**
 * The hub's root: puts the platform's adapters together and serves every tab that connects. As a SharedWorker
 * each `connect` brings a tab's port; as a dedicated Worker the one page that started it is at the other end. The
 * worker's name is the hub's.
 */
const scope = globalThis as unknown as SharedWorkerGlobalScope | DedicatedWorkerGlobalScope;

const hub = new HubHost({
  host: 'onconnect' in scope ? 'shared-worker' : 'dedicated-worker',
  hubName: scope.name,
  clock: platformClock,
  randomId: () => crypto.randomUUID(),
  store: indexedDbOutbox(scope.name, platformClock),
  dial: dialWebSocket,
  locks: webLocks,
  ended: () => scope.close(),
});

if ('onconnect' in scope) {
  scope.addEventListener('connect', ({ ports }) => hub.accept(portLink(ports[0]!)));
} else {
  hub.accept(portLink(scope));
}
