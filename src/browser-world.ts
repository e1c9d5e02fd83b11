import { openChannel } from '../worker/broadcast-channel.ts';
import { workerName } from '../worker/names.ts';
import { randomId } from '../worker/random-id.ts';
import { timers } from '../worker/timers.ts';
import { webLocks } from '../worker/web-locks.ts';
import { startEngine } from './browser-engine.ts';
import { linkHub, portTo, unavailable } from './browser-port.ts';
import type { PageEvents } from './page-signals.ts';
import { scriptUrl } from './script-url.ts';
import type { TabWorld } from './tab-world.ts';

/** Whether a constructor has read `extendedLifetime`: nothing else tells whether a browser knows it. */
let lingers = false;

/** The page and its browser. */
export const browserWorld: TabWorld = {
  after: timers.after,
  locks: webLocks,
  openChannel,
  linkHub,
  startEngine,
  now: () => Date.now(),
  randomId,
  visibility: () => document.visibilityState,
  watchPage,
  get lingers() {
    return lingers;
  },

  openSharedWorker(url, hubName, api, failed, life) {
    const where = `SharedWorker from ${url}`;
    // All tabs have to give the same options, or the worker refuses them.
    const options = {
      type: 'module',
      name: workerName(hubName, life),
      get extendedLifetime() {
        return (lingers = true);
      },
    } as const;
    let worker: SharedWorker;
    try {
      worker = new SharedWorker(scriptUrl(url), options);
    } catch (cause) {
      // A ReferenceError (no such thing here), a SecurityError (another origin, or a content security policy) or a
      // TypeError (Trusted Types).
      throw unavailable(where, cause);
    }
    worker.onerror = (event) => failed(unavailable(where, (event as ErrorEvent).message));
    return portTo(worker.port, api);
  },
};

/** Listens to the page until `signal` aborts. No `unload`: it would keep the page out of the cache. */
function watchPage(events: PageEvents, signal: AbortSignal): void {
  const listen = (target: EventTarget, type: string, listener: (event: Event) => void) =>
    target.addEventListener(type, listener, { signal });
  listen(window, 'online', () => events.signal('online'));
  listen(document, 'freeze', () => events.frozen());
  listen(document, 'resume', () => events.signal('resume'));
  listen(document, 'visibilitychange', () => events.signal(document.visibilityState));
  listen(window, 'pagehide', () => events.hidden());
  listen(window, 'pageshow', (event) => {
    if ((event as PageTransitionEvent).persisted) events.restored();
  });
}
