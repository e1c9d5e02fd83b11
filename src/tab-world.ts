import type { Remote } from 'comlink';
import type { HubApi, TabApi } from '../worker/core/hub-api.ts';
import type { Locks } from '../worker/locks.ts';
import type { PageEvents } from './page-signals.ts';

/** One way to a hub's host, alive or not: nobody tells before it answers. */
export interface HubPort {
  readonly hub: Remote<HubApi>;
  close(): void;
}

/** The world as a tab sees it; the simulation puts another one in its place. */
export interface TabWorld {
  /** Milliseconds since the Unix epoch. */
  now(): number;
  /** Calls `run` once after `delayMs`. Returns a function that prevents it. */
  after(delayMs: number, run: () => void): () => void;
  randomId(): string;
  /** Null without Web Locks (an insecure context). */
  readonly locks: Locks | null;
  /**
   * Starts the hub's host, or joins it where it runs, and offers it this tab's side. Throws, or calls `failed`, with
   * a ConnectionError `host-unavailable` where there is none.
   */
  openHub(url: string, hubName: string, api: TabApi, failed: (error: Error) => void): HubPort;
  /** Tells of the page's life until `signal` aborts. */
  watchPage(events: PageEvents, signal: AbortSignal): void;
  /** Whether somebody sees the page now. */
  visibility(): DocumentVisibilityState;
}
