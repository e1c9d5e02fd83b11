import type { Member } from '../worker/core/news-types.ts';
import type { ConnectionError } from './protocol/errors.ts';

/** Something of this moment, such as that somebody is typing. */
export interface Signal {
  readonly topic: string;
  /** Who sent it, as the server knows them. */
  readonly identity: string;
  /** A JSON value. */
  readonly payload: unknown;
}

/**
 * Who is in a topic: every identity with at least one subscription, whatever number of devices and tabs it has. It stays
 * the one that it was while the connection is lost; then joins and leaves are told that happened meanwhile.
 */
export interface Presence {
  readonly topic: string;
  /** Settles with the first list. Rejects with `forbidden`, `rejected` (the server keeps no presence), `queue-full` or `closed`. */
  readonly ready: Promise<void>;
  /** Those who came first, at most as many as the server names. */
  readonly members: readonly Member[];
  /** How many there are. */
  readonly count: number;
  /** Calls `handler` for everybody who comes from now on. Returns a function that ends that. */
  onJoin(handler: (member: Member) => void): () => void;
  /** Calls `handler` for everybody who goes from now on. Returns a function that ends that. */
  onLeave(handler: (member: Member) => void): () => void;
  /** Calls `handler` when the list has ended by itself, as with `forbidden`. Returns a function that ends that. */
  onEnd(handler: (error: ConnectionError) => void): () => void;
  /** Ends the list. */
  close(): void;
}
