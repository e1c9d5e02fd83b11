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

/** Listens to the page. Returns a function that ends that. No `unload`: it would keep the page out of the cache. */
export function watchPage(events: PageEvents): () => void {
  const listening = new AbortController();
  const { signal } = listening;
  const forward = (target: EventTarget, type: string, name: () => PageSignal) =>
    target.addEventListener(type, () => events.signal(name()), { signal });
  forward(window, 'online', () => 'online');
  forward(window, 'offline', () => 'offline');
  forward(document, 'resume', () => 'resume');
  forward(document, 'visibilitychange', () =>
    document.visibilityState === 'visible' ? 'visible' : 'hidden',
  );
  window.addEventListener('pagehide', () => events.hidden(), { signal });
  window.addEventListener(
    'pageshow',
    ({ persisted }) => {
      if (persisted) events.restored();
    },
    { signal },
  );
  return () => listening.abort();
}
