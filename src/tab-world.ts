import type { Endpoint, Remote } from 'comlink';
import type { OpenChannel } from '../worker/channel.ts';
import type { HubApi, TabApi } from '../worker/core/hub-api.ts';
import type { Locks } from '../worker/locks.ts';
import type { PageEvents } from './page-signals.ts';

/** One way to a hub, alive or not: nobody tells before it answers. */
export interface HubPort {
  readonly hub: Remote<HubApi>;
  close(): void;
}

/** Where a tab can look for a hub or run one, in the order in which they are tried. */
export const hostOrder = ['shared-worker', 'dedicated-worker', 'page'] as const;
export type HostOption = (typeof hostOrder)[number];

/** Where a tab runs a hub itself. */
export type EngineHost = Exclude<HostOption, 'shared-worker'>;

/** A hub that this tab runs itself, having been elected. */
export interface Engine {
  /** Opens a way to it, and offers it this tab's side. */
  open(api: TabApi): HubPort;
  /** Ends it at once. */
  stop(): void;
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
  /** Null without BroadcastChannel. */
  readonly openChannel: OpenChannel | null;
  /** Whether a SharedWorker lives on for a while after its last tab (`extendedLifetime`). */
  readonly lingers: boolean;
  /**
   * Joins the SharedWorker of this URL and hub name, or starts it, and offers it this tab's side. `life` tells it from
   * one that does not answer any more. Throws, or calls `failed`, with a ConnectionError `host-unavailable` where there is
   * none.
   */
  openSharedWorker(
    url: string,
    hubName: string,
    api: TabApi,
    failed: (error: Error) => void,
    life: number,
  ): HubPort;
  /**
   * Starts a hub in a worker of this tab, or in the page itself; for this tab alone, if `isAlone`. Throws, or calls
   * `failed`, as `openSharedWorker` does.
   */
  startEngine(
    host: EngineHost,
    url: string,
    hubName: string,
    failed: (error: Error) => void,
    isAlone: boolean,
  ): Engine;
  /** Offers this tab's side at one end of a channel, and gives the other's. */
  linkHub(endpoint: Endpoint, api: TabApi): Remote<HubApi>;
  /** Tells of the page's life until `signal` aborts. */
  watchPage(events: PageEvents, signal: AbortSignal): void;
  /** Whether somebody sees the page now. */
  visibility(): DocumentVisibilityState;
}
