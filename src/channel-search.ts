import type { Call, OpenChannel } from '../worker/channel.ts';
import { tabEndpoint } from '../worker/channel-endpoint.ts';
import type { AttachReply } from '../worker/core/hub-api.ts';
import { withDeadline } from '../worker/deadline.ts';
import { tabChannel } from '../worker/names.ts';
import { attachRequest, type HubAnswer, type HubSearch } from './hub-search.ts';
import * as tabLimits from './limits.ts';
import { report } from './report.ts';
import type { HubPort } from './tab-world.ts';

/** The channel of this tab, where whichever hub joins first is asked to attach it. */
interface Link extends HubPort {
  readonly attempt: number;
  calls: number;
  /** Null for an error in the hub. */
  answer: Promise<AttachReply | null>;
}

/** Looks for the hub over the channel that all share, for as long as the search lasts. */
export interface ChannelSearch {
  /**
   * Calls the hub, and waits for its answer for a bounded time; null if none came. A hub with the id `ownHubId` is one
   * that this tab has a port to: once it is up it is to be asked there.
   */
  look(ownHubId?: string): Promise<HubAnswer | null>;
  /** Ends the look early. */
  close(): void;
}

/** Begins to listen. Once a hub has been found, `anew` is called when another one says that it is up. */
export function searchChannel(search: HubSearch, openChannel: OpenChannel): ChannelSearch {
  const { world, settings, tabId, api, signal } = search;
  let link: Link | null = null;
  /** The hub that said last that it is up. */
  let lastUp: string | undefined;
  let foundId: string | undefined;
  let wake: (hubId: string) => void = () => {};

  const shared = openChannel(settings.hubName, (message) => {
    const call = message as Call | null;
    // Without an id it is an elected tab, whose engine is still to come.
    if (call?.kind !== 'up' || !call.hubId || call.hubId === lastUp || call.hubId === search.formerHub.id)
      return;
    lastUp = call.hubId;
    if (foundId === undefined) {
      // Whatever has joined before is the hub no more.
      unlink();
      wake(lastUp);
    } else if (foundId !== lastUp) {
      search.formerHub.id = foundId;
      search.anew();
    }
  });
  signal.addEventListener('abort', close);

  function close(): void {
    unlink();
    shared.close();
  }

  function unlink(): void {
    link?.close();
    link = null;
  }

  function open(): Link {
    const endpoint = tabEndpoint(openChannel, tabChannel(settings.hubName, tabId));
    const hub = world.linkHub(endpoint, api);
    const close = () => endpoint.close();
    return { hub, attempt: search.nextAttempt(), calls: 0, answer: ask(hub), close };
  }

  const ask = (hub: HubPort['hub']): Link['answer'] =>
    hub.attach(attachRequest(search)).catch((cause: unknown) => (report(cause), null));

  async function look(ownHubId?: string): Promise<HubAnswer | null> {
    const up = new Promise<string>((resolve) => (wake = resolve));
    // The hub that has joined may have died since.
    if (link && link.calls >= tabLimits.channelCalls) unlink();
    const asked = (link ??= open());
    asked.calls += 1;
    shared.post({ kind: 'connect', tabId, attempt: asked.attempt } satisfies Call);
    const reply = await withDeadline(Promise.race([asked.answer, up]), tabLimits.channelTimeoutMs, world);
    if (signal.aborted || reply === undefined) return null;
    if (typeof reply === 'string') return reply === ownHubId ? null : look(ownHubId);
    if (reply?.kind === 'attached') foundId = reply.status.hubId;
    if (reply?.kind === 'attached' || reply?.kind === 'refused') return { hub: asked.hub, reply };
    if (reply?.kind === 'waiting') {
      asked.answer = ask(asked.hub);
      asked.calls = 0;
      return null;
    }
    unlink();
    const isOther = reply?.kind === 'other-version';
    if (isOther) search.otherVersion(reply.version);
    await withDeadline(up, isOther ? tabLimits.otherVersionPauseMs : tabLimits.channelTimeoutMs, world);
    return null;
  }

  return { look, close };
}
