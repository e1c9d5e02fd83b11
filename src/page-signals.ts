import type { PageSignal } from '../worker/core/hub-api.ts';

/** What a page tells of its own life. */
export interface PageEvents {
  /** Something that the hub cannot see from a worker: Chromium fires no `online` there. */
  signal(signal: PageSignal): void;
  /** The page goes, for good or into the back/forward cache. */
  hidden(): void;
  /** The page is back from the back/forward cache. */
  restored(): void;
  /** The page is about to be stopped where it is (Page Lifecycle, `freeze`): whoever runs a hub hands it over. */
  frozen(): void;
}
