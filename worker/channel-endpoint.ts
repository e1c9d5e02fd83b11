import type { Endpoint } from 'comlink';
import type { ChannelMessage, OpenChannel } from './channel.ts';

/** One end of the way between a tab and its hub over their channel, as Comlink wants it. Transfer lists are left out. */
export interface ChannelEndpoint extends Endpoint {
  close(): void;
}

/** The hub's end. */
export interface HubChannelEndpoint extends ChannelEndpoint {
  /** Tells the tab that this hub may be called. */
  join(): void;
}

type Listener = (event: { readonly data: unknown }) => void;

/**
 * The hub's end of a tab's channel. It says that it has joined at once, and hears what is meant for this hub.
 *
 * @example
 * const endpoint = hubEndpoint(openChannel, tabChannel(hubName, tabId), hubId);
 */
export function hubEndpoint(openChannel: OpenChannel, name: string, hubId: string): HubChannelEndpoint {
  const listeners = new Set<Listener>();
  const channel = openChannel(name, (message) => {
    const { hub, isUp, data } = message as ChannelMessage;
    if (isUp && hub === hubId) tell(listeners, data);
  });
  const post = (data?: unknown) => channel.post({ hub: hubId, isUp: false, data } satisfies ChannelMessage);
  post();
  return { ...endpoint(listeners, post, () => channel.close()), join: () => post() };
}

/**
 * The tab's end of its channel. What is posted before a hub has joined is held back; the first one that joins is the hub
 * of this endpoint for good, and no other is heard. A tab that looks for the hub anew opens a new one.
 *
 * @example
 * const endpoint = tabEndpoint(openChannel, tabChannel(hubName, tabId));
 */
export function tabEndpoint(openChannel: OpenChannel, name: string): ChannelEndpoint {
  const listeners = new Set<Listener>();
  // Bounded by the calls that a tab makes before it is attached.
  let held: unknown[] = [];
  let joined: string | undefined;
  const channel = openChannel(name, (message) => {
    const { hub, isUp, data } = message as ChannelMessage;
    if (isUp) return;
    if (data !== undefined) {
      if (hub === joined) tell(listeners, data);
      return;
    }
    joined ??= hub;
    held.splice(0).forEach(post);
  });
  function post(data: unknown): void {
    if (joined === undefined) held.push(data);
    else channel.post({ hub: joined, isUp: true, data } satisfies ChannelMessage);
  }
  return endpoint(listeners, post, () => {
    held = [];
    channel.close();
  });
}

const tell = (listeners: Iterable<Listener>, data: unknown) => {
  for (const listener of listeners) listener({ data });
};

// Comlink adds functions, for `message` alone.
const endpoint = (
  listeners: Set<Listener>,
  post: (data: unknown) => void,
  close: () => void,
): ChannelEndpoint => ({
  postMessage: (data) => post(data),
  addEventListener: (_, listener) => void listeners.add(listener as unknown as Listener),
  removeEventListener: (_, listener) => void listeners.delete(listener as unknown as Listener),
  close,
});
