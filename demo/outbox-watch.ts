import type { OneSocket, OutboxEntry } from 'onesocket';
import type { DemoApi } from './contract.ts';

/** What waits in the outbox of this browser, of all tabs. */
export interface OutboxWatch {
  /** Oldest first. */
  readonly entries: readonly OutboxEntry[];
  /** Asks anew, without waiting for the next turn. */
  look(): void;
}

const everyMs = 400;

/** Asks the hub again and again while something waits and the tab is visible. */
export const watchOutbox = (socket: OneSocket<DemoApi>): OutboxWatch => {
  let entries: readonly OutboxEntry[] = [];
  let isAsking = false;

  const look = async (): Promise<void> => {
    const { state, queue } = socket.status;
    if (isAsking || state === 'closed' || document.visibilityState !== 'visible') return;
    if (queue.entries === 0 && entries.length === 0) return;
    isAsking = true;
    try {
      entries = await socket.outbox.entries();
    } catch {
      // The hub has died, or is busy: what was seen last stands until the next turn.
    }
    isAsking = false;
  };
  setInterval(() => void look(), everyMs);
  socket.addEventListener('status', () => void look());
  document.addEventListener('visibilitychange', () => void look());

  return {
    get entries() {
      return entries;
    },
    look: () => void look(),
  };
};
