import type { MaybePromise } from './maybe-promise.ts';

/** Somebody who is in a topic: an identity with at least one subscription, or that had one a moment ago. */
export interface PresenceMember {
  readonly identity: string;
  /** Since when, in milliseconds since the Unix epoch. */
  readonly since: number;
  /** What `authenticate` made public of them, where it did. */
  readonly info?: unknown;
}

/** Who is in a topic. */
export interface PresenceList {
  /** At most `limits.presenceMembers`: those who came first. */
  readonly members: readonly PresenceMember[];
  /** How many there are in all. */
  readonly count: number;
}

/** One change, and how many there are after it. */
export interface PresenceChange {
  readonly joined?: PresenceMember;
  readonly left?: PresenceMember;
  /** Who was there already, and is among the members of a list from now on, in the place of the one who left. */
  readonly named?: PresenceMember;
  readonly count: number;
}

/** Ends what `enter` began. */
export type Leave = (atOnce: boolean) => void;

/** Hears the changes of a topic. */
export type PresenceWatcher = (change: PresenceChange) => void;

/** Keeps who is where: in memory for one server; one for several would share it. */
export interface PresenceStore {
  /**
   * A connection of an identity has subscribed. Returns a function to be called when that has ended: the last one takes
   * the identity out of the topic, after the grace period or at once.
   */
  enter(topic: string, identity: string, info: unknown): Leave;
  list(topic: string): MaybePromise<PresenceList>;
  /** Hears what changes from now on. Returns a function that ends that. */
  watch(topic: string, watcher: PresenceWatcher): () => void;
  close(): void;
}
