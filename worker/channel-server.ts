import { hubEndpoint, type HubChannelEndpoint } from './channel-endpoint.ts';
import type { Call, OpenChannel } from './channel.ts';
import * as coreLimits from './core/limits.ts';
import { tabChannel } from './names.ts';
import type { TabLink } from './tab-link.ts';

/** What serves the tabs that come over a channel. */
export interface ChannelClients {
  /** Makes a link of one end of a channel. */
  linkOver(endpoint: HubChannelEndpoint, close: () => void): TabLink;
  accept(link: TabLink): void;
  /** Whether a tab has attached over this link. */
  isAttached(tabId: string, link: TabLink): boolean;
}

/** The hub's place in the channel where it is looked for. */
export interface ChannelServer {
  /** Tells everybody that the hub is there. */
  up(): void;
  close(): void;
}

/**
 * Answers whoever looks for the hub, and opens a channel for each tab that does. A tab that asks once more with the same
 * attempt is only told again that the hub has joined; a newer attempt takes the place of the older one.
 */
export function serveChannel(
  openChannel: OpenChannel,
  hubName: string,
  hubId: string,
  { linkOver, accept, isAttached }: ChannelClients,
): ChannelServer {
  const tabs = new Map<string, { attempt: number; endpoint: HubChannelEndpoint; link: TabLink }>();

  const shared = openChannel(hubName, (message) => {
    const call = message as Call | null;
    if (call?.kind === 'ping') up();
    else if (call?.kind === 'connect') connect(call.tabId, call.attempt);
  });
  const up = () => shared.post({ kind: 'up', hubId } satisfies Call);

  function connect(tabId: string, attempt: number): void {
    const before = tabs.get(tabId);
    if (before && attempt === before.attempt) return before.endpoint.join();
    if (before && attempt < before.attempt) return;
    before?.link.close();
    makeRoom();
    const endpoint = hubEndpoint(openChannel, tabChannel(hubName, tabId), hubId);
    const link = linkOver(endpoint, () => {
      endpoint.close();
      if (tabs.get(tabId)?.endpoint === endpoint) tabs.delete(tabId);
    });
    tabs.set(tabId, { attempt, endpoint, link });
    accept(link);
  }

  /** One more than may attach has a place, so that it can be told so. */
  function makeRoom(): void {
    if (tabs.size <= coreLimits.tabs) return;
    for (const [tabId, { link }] of tabs) if (!isAttached(tabId, link)) return link.close();
  }

  up();
  return {
    up,
    close() {
      shared.close();
      for (const { link } of tabs.values()) link.close();
    },
  };
}
