import type { RecordedRefusal, StoredMessage } from '../backbone.ts';
import type { ClientMemory } from '../client-records.ts';

/** A topic as it is stored. */
export interface StoredTopic {
  /** A short name for the keys of its messages; never that of two incarnations. */
  readonly id: number;
  readonly name: string;
  readonly epoch: string;
  /** Offset of the newest message; 0 when there was none. */
  readonly offset: number;
  /** When it was last published to, in milliseconds since the Unix epoch. */
  readonly usedAt: number;
}

/** A client as it is stored; its refusals are records of their own. */
export interface StoredClient extends Omit<ClientMemory, 'refusals'> {
  readonly key: string;
}

/** One change of a transaction. */
export type StoreChange =
  | { readonly kind: 'topic'; readonly topic: StoredTopic }
  | { readonly kind: 'message'; readonly topicId: number; readonly message: StoredMessage }
  /** Messages below an offset. */
  | { readonly kind: 'forget-messages'; readonly topicId: number; readonly below: number }
  /** A topic with all its messages. */
  | { readonly kind: 'forget-topic'; readonly topicId: number }
  | { readonly kind: 'client'; readonly client: StoredClient }
  | { readonly kind: 'refusal'; readonly key: string; readonly refusal: RecordedRefusal }
  /** Refusals up to a sequence. */
  | { readonly kind: 'forget-refusals'; readonly key: string; readonly upTo: number }
  /** A client with all its refusals. */
  | { readonly kind: 'forget-client'; readonly key: string };

/**
 * Where a durable backbone keeps its records. Only one process has it open, and everything is synchronous but
 * the close. What it cannot read, or finds to be damaged, it throws.
 */
export interface RecordStore {
  /** How often it was opened, this time included. */
  readonly starts: number;
  topics(): readonly StoredTopic[];
  topic(id: number): StoredTopic | undefined;
  /** Messages above an offset, oldest first. */
  messages(topicId: number, above: number): Iterable<StoredMessage>;
  clients(): Iterable<{ readonly key: string; readonly memory: ClientMemory }>;
  client(key: string): ClientMemory | undefined;
  /** Makes all changes or none, in one step, and returns when they outlive a loss of power. */
  commit(changes: readonly StoreChange[]): void;
  close(): Promise<void>;
}
