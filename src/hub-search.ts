import { hubApiVersion, type AttachReply, type AttachRequest, type TabApi } from '../worker/core/hub-api.ts';
import { withDeadline } from '../worker/deadline.ts';
import type { Settings } from './options.ts';
import type { HubPort, TabWorld } from './tab-world.ts';

/** What a tab brings along when it looks for its hub. */
export interface TabSide {
  readonly world: TabWorld;
  readonly tabId: string;
  readonly settings: Settings;
  readonly api: TabApi;
  /** Counts the channels that this tab opens for a hub. */
  nextAttempt(): number;
  /** The hub that this tab has left for a newer one. If it was frozen, it may still say that it is up. */
  readonly formerHub: { id: string };
  /** Whether the hub that this tab was attached to last is known to be dead. */
  readonly lastHub: { isDead: boolean };
  /** The hub speaks this version of the contract, and the tab waits for another one. */
  otherVersion(version: number): void;
  /** Something has changed by which this tab has to look for its hub anew, even if it has one. */
  anew(): void;
}

/** One look for the hub. What it has opened is closed in the turn in which `signal` aborts. */
export interface HubSearch extends TabSide {
  /** Name of the lock that this tab holds; null without locks. */
  readonly lockName: string | null;
  readonly signal: AbortSignal;
}

/** A hub that has answered for good. An abort of the search ends the way to it. */
export interface HubAnswer {
  readonly hub: HubPort['hub'];
  readonly reply: Extract<AttachReply, { kind: 'attached' | 'refused' }>;
}

/** What a tab says first. */
export const attachRequest = ({ world, tabId, lockName, settings }: HubSearch): AttachRequest => ({
  version: hubApiVersion,
  tabId,
  lockName,
  options: settings.hub,
  hasAuth: settings.auth !== undefined,
  lingers: world.lingers,
});

/** A port whose other end is asked to attach this tab. */
export interface AskablePort extends HubPort {
  /** The answer, or undefined for silence. Rejects if nothing is, or can be, at the other end. */
  ask(deadlineMs: number): Promise<AttachReply | undefined>;
}

/**
 * As `withDeadline`, in two parts: the timer of a page that was frozen, or slept, comes before the answer that lies unread.
 */
export async function waitInTwoParts<T>(
  answer: Promise<T>,
  deadlineMs: number,
  world: Pick<TabWorld, 'after'>,
): Promise<T | undefined> {
  const half = () => withDeadline(answer, deadlineMs / 2, world);
  return (await half()) ?? half();
}

/** Opens a port for as long as the search lasts, or until it is closed. */
export function openPort(search: HubSearch, open: (failed: (error: Error) => void) => HubPort): AskablePort {
  const { world, signal } = search;
  let fail!: (error: Error) => void;
  const failed = new Promise<never>((_, reject) => (fail = reject));
  const port = open(fail);
  const close = () => port.close();
  // At once: an answer to a page in the back/forward cache would evict it.
  signal.addEventListener('abort', close);
  return {
    hub: port.hub,
    ask(deadlineMs) {
      const answer = Promise.race([port.hub.attach(attachRequest(search)), failed]);
      return waitInTwoParts(answer, deadlineMs, world);
    },
    close() {
      signal.removeEventListener('abort', close);
      close();
    },
  };
}
