import { expose, wrap } from 'comlink';
import type { HubApi } from '../worker/core/hub-api.ts';
import { timers } from '../worker/timers.ts';
import { webLocks } from '../worker/web-locks.ts';
import { failure } from './failure.ts';
import type { PageEvents } from './page-signals.ts';
import type { TabWorld } from './tab-world.ts';

/** The page and its browser. */
export const browserWorld: TabWorld = {
  after: timers.after,
  locks: webLocks,
  now: () => Date.now(),
  randomId: () => crypto.randomUUID(),
  visibility: () => document.visibilityState,
  watchPage,

  openHub(url, name, api, failed) {
    const unavailable = (reason: unknown) =>
      failure('host-unavailable', `no SharedWorker from ${url}: ${reason}`, reason);
    let worker: SharedWorker;
    try {
      worker = new SharedWorker(url, { type: 'module', name });
    } catch (cause) {
      // A ReferenceError (no such thing here), a SecurityError (another origin, or a content security policy) or a
      // TypeError (Trusted Types).
      throw unavailable(cause);
    }
    const { port } = worker;
    worker.onerror = (event) => failed(unavailable((event as ErrorEvent).message ?? 'not loaded'));
    const hub = wrap<HubApi>(port);
    expose(api, port);
    // Comlink's releaseProxy would wait for an answer, and one that comes after `pagehide` evicts the page from the
    // back/forward cache.
    return { hub, close: () => port.close() };
  },
};

/** Listens to the page until `signal` aborts. No `unload`: it would keep the page out of the cache. */
function watchPage(events: PageEvents, signal: AbortSignal): void {
  const listen = (target: EventTarget, type: string, listener: (event: Event) => void) =>
    target.addEventListener(type, listener, { signal });
  listen(window, 'online', () => events.signal('online'));
  listen(document, 'resume', () => events.signal('resume'));
  listen(document, 'visibilitychange', () => events.signal(document.visibilityState));
  listen(window, 'pagehide', () => events.hidden());
  listen(window, 'pageshow', (event) => {
    if ((event as PageTransitionEvent).persisted) events.restored();
  });
}
