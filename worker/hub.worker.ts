import { platformClock } from './clock.ts';
import { HubHost } from './hub-host.ts';
import { memoryOutboxStore } from './outbox-store.ts';
import { portLink } from './tab-link.ts';
import { watchTabLock } from './tab-locks.ts';
import { dialWebSocket } from './web-socket-transport.ts';

/**
 * The hub's root: puts the platform's adapters together and serves every tab that connects. As a SharedWorker
 * each `connect` brings a tab's port; as a dedicated Worker the one page that started it is at the other end.
 */
const scope = globalThis as unknown as SharedWorkerGlobalScope | DedicatedWorkerGlobalScope;

const hub = new HubHost({
  host: 'onconnect' in scope ? 'shared-worker' : 'dedicated-worker',
  clock: platformClock,
  store: memoryOutboxStore(),
  dial: dialWebSocket,
  ...('locks' in navigator ? { watchTabLock } : {}),
});

if ('onconnect' in scope) {
  scope.addEventListener('connect', ({ ports }) => hub.accept(portLink(ports[0]!)));
} else {
  hub.accept(portLink(scope));
}
