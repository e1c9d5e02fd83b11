import type { Entry } from './core/outbox.ts';
import type { OutboxIdentity } from './core/hub-state.ts';

/** Where the outbox is kept. Every method settles; a failure rejects with a reason that a person can read. */
export interface OutboxStore {
  /** Opens the store and counts the client epoch up. */
  open(): Promise<OutboxIdentity>;
  /** Settles once the entries are stored, as one unit and in order. */
  append(entries: readonly Entry[]): Promise<void>;
  /** Forgets everything up to this sequence. */
  forget(through: number): Promise<void>;
}

/** An outbox that lives as long as its hub. The hub's own memory holds the entries; nothing is kept twice. */
export function memoryOutboxStore(): OutboxStore {
  return {
    open: async () => ({ clientId: crypto.randomUUID(), clientEpoch: 1, lastSeq: 0 }),
    append: async () => {},
    forget: async () => {},
  };
}
