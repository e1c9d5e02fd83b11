import type { PageSignal } from '../worker/core/hub-api.ts';

/** What a page tells of its own life. */
export interface PageEvents {
  /** Something that the hub cannot see from a worker: Chromium fires no `online` there. */
  signal(signal: PageSignal): void;
  /** The page goes, for good or into the back/forward cache. */
  hidden(): void;
  /** The page is back from the back/forward cache. */
  restored(): void;
}

/** Listens to the page until `signal` aborts. No `unload`: it would keep the page out of the cache. */
export function watchPage(events: PageEvents, signal: AbortSignal): void {
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
