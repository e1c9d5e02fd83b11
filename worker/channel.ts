/** One end of a BroadcastChannel, or of the simulation's: what it posts, all others of its name hear. */
export interface Channel {
  post(message: unknown): void;
  close(): void;
}

/** Opens a channel of this name. */
export type OpenChannel = (name: string, heard: (message: unknown) => void) => Channel;

/**
 * What goes over the channel that all of one hub name share (`hubChannel`). These never change, whatever the version of
 * the contract: builds of any age hear each other there. Messages of another shape are left alone.
 */
export type Call =
  /** A tab looks for the hub, and waits for it on its own channel (`tabChannel`). `attempt` counts up with each look. */
  | { readonly kind: 'connect'; readonly tabId: string; readonly attempt: number }
  /** Somebody who would be the hub asks whether there is one. */
  | { readonly kind: 'ping' }
  /**
   * The hub is there: said when it gains the lock, when it can serve, and as the answer to a ping. The id is empty while
   * somebody has the lock and the hub's code is still being started.
   */
  | { readonly kind: 'up'; readonly hubId: string };

/**
 * What goes over the channel between one tab and the hub. Without `data`: the hub has joined, and may be called. With it:
 * a message of Comlink. `hub` is the hub that says it or that it is meant for, `isUp` whether it goes to the hub; a hub
 * that has lost its lock and does not know yet hears the same channel.
 */
export interface ChannelMessage {
  readonly hub: string;
  readonly isUp: boolean;
  readonly data?: unknown;
}
