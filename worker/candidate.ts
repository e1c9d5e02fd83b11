import type { Call, OpenChannel } from './channel.ts';
import * as workerLimits from './limits.ts';
import type { Locks } from './locks.ts';
import { hubLock } from './names.ts';

/** What a candidate needs of its world. */
export interface CandidateWorld {
  readonly locks: Locks;
  /** Null without BroadcastChannel: then nobody can be asked, and no lock is stolen. */
  readonly openChannel: OpenChannel | null;
  /** Calls `run` once after `delayMs`. Returns a function that prevents it. */
  after(delayMs: number, run: () => void): () => void;
}

/** What a candidate hears. */
export interface Candidacy {
  /** The hub lock is held: this is the hub now, or runs it. */
  elected(): void;
  /** The hub lock has been lost. The candidate is in line again before long. */
  deposed(): void;
  /** Whether the hub's code has answered since, so that it can be asked itself. */
  isServed(): boolean;
}

/**
 * Waits in line for the hub lock, and steals it from a hub that does not answer (docs/decisions/0019). `id` is the
 * candidate's own, random. Returns the function that leaves the line, or releases the lock; nothing is called after it.
 *
 * Once elected it answers, without a hub's id, who asks for the hub, until that is served: whoever has the lock may take
 * longer to start the hub's code than others wait. What it hears of hubs then is no sign: one that was deposed while it
 * was frozen answers what it was asked, before it hears of that.
 */
export function standForHub(
  { locks, openChannel, after }: CandidateWorld,
  hubName: string,
  id: string,
  candidacy: Candidacy,
): () => void {
  // The same for as long as it stands: the quickest asks for all, and is the first to know.
  const waitMs = workerLimits.pingAfterMs * (1 + workerLimits.pingSpread * (2 * chanceOf(id) - 1));
  let standing: 'away' | 'in-line' | 'elected' = 'away';
  let isStealAllowed = true;
  let pings = 0;
  let cancelWait = () => {};
  let cancelPause = () => {};
  let leave = () => {};

  const channel = openChannel?.(hubName, (message) => {
    const kind = (message as Call | null)?.kind;
    if (standing === 'elected') {
      if (kind === 'ping' && !candidacy.isServed()) answer();
    } else if (standing === 'in-line') {
      if (kind === 'up') pings = 0;
      // Whoever asks already goes on: others may come, overtake it, and go.
      else if (kind !== 'ping' || pings > 0) return;
      wait(ask);
    }
  });
  const say = (call: Call) => channel?.post(call);
  const answer = () => say({ kind: 'up', hubId: '' });

  function wait(then: () => void, delayMs = waitMs): void {
    cancelWait();
    cancelWait = after(delayMs, then);
  }

  function ask(): void {
    // Whoever hears a question leaves the matter to who asked, which therefore has to be one that may steal.
    if (!isStealAllowed) return wait(ask);
    // In a turn of its own: the timer of a candidate that was frozen comes before the answer that lies unread.
    if (pings >= workerLimits.pingsMax) return wait(steal, 0);
    pings += 1;
    wait(ask);
    say({ kind: 'ping' });
  }

  function steal(): void {
    leave();
    isStealAllowed = false;
    // The questions before the next steal take the rest of the time.
    const pauseMs = workerLimits.stealAgainMs - workerLimits.pingsMax * waitMs;
    cancelPause = after(pauseMs, () => (isStealAllowed = true));
    stand(true);
  }

  function stand(isSteal: boolean): void {
    standing = 'in-line';
    pings = 0;
    if (channel) wait(ask);
    leave = locks.compete(hubLock(hubName), { taken, lost }, isSteal);
  }

  function taken(): void {
    cancelWait();
    standing = 'elected';
    answer();
    candidacy.elected();
  }

  function lost(): void {
    const wasInLine = standing === 'in-line';
    standing = 'away';
    // Not at once: whoever took the lock away may do so again.
    wait(() => stand(false));
    if (!wasInLine) candidacy.deposed();
  }

  stand(false);
  return () => {
    cancelWait();
    cancelPause();
    leave();
    channel?.close();
  };
}

/** A number from 0 to 1 that is as random as the id. */
const chanceOf = (id: string): number =>
  [...id].reduce((sum, char) => (sum * 31 + char.charCodeAt(0)) % 1000, 0) / 999;
