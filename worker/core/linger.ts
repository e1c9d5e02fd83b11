import type { AttachRequest } from './hub-api.ts';
import type { Context } from './context.ts';
import { stepConnection } from './hub-connection.ts';
import { startTimer, type HubState } from './hub-state.ts';
import * as coreLimits from './limits.ts';

/**
 * What becomes of the connection after the last tab. A worker that outlives its tabs keeps it for a moment, so that a
 * reload finds it open, and then for as long as the outbox needs it, within bounds. Elsewhere it is closed at once: a
 * worker whose last page goes into the back/forward cache is suspended before any timer.
 *
 * ```transitions
 * none     --gone-->     open
 * open     --attached--> none
 * open     --elapsed-->  flushing | none
 * open     --hopeless--> none
 * flushing --attached--> none
 * flushing --elapsed-->  none
 * flushing --empty-->    none
 * flushing --hopeless--> none
 * ```
 *
 * Without hope are a connection that nobody wakes any more, and one that waits for a token, which only a tab can give.
 */

/** A tab has come. All tabs of an app have the same options, and the newest one knows them best. */
export function endLinger(hub: HubState, { lingers, hasAuth }: AttachRequest): void {
  if (hub.linger.phase !== 'none') hub.effects.push({ kind: 'cancel-timer', timer: 'linger' });
  hub.linger = {
    phase: 'none',
    isPossible: lingers && hub.self.host === 'shared-worker',
    needsToken: hasAuth,
  };
}

/** The last tab has gone. */
export function beginLinger(hub: HubState, context: Context): void {
  if (hub.journal.hasCursors) hub.journal.flush();
  if (!hub.linger.isPossible) return stepConnection(hub, { kind: 'stop' }, context);
  if (hub.linger.phase !== 'none') return;
  hub.linger = { ...hub.linger, phase: 'open' };
  startTimer(hub, 'linger', coreLimits.lingerMs);
}

/** The time of a phase is over. */
export function lingerElapsed(hub: HubState, context: Context): void {
  if (hub.linger.phase === 'flushing') return stop(hub, context);
  if (hub.linger.phase === 'none') return;
  hub.linger = { ...hub.linger, phase: 'flushing' };
  startTimer(hub, 'linger', coreLimits.lingerFlushMs);
}

/** Ends the lingering once there is nothing left that it could be good for. */
export function watchLinger(hub: HubState, context: Context): void {
  const { connection, linger } = hub;
  if (linger.phase === 'none') return;
  const { state } = connection;
  const isHopeless =
    state === 'idle' ||
    state === 'suspended' ||
    (state === 'connecting' && !connection.credentials && linger.needsToken);
  if (isHopeless || (linger.phase === 'flushing' && hub.outbox.pending.entries === 0)) stop(hub, context);
}

function stop(hub: HubState, context: Context): void {
  hub.linger = { ...hub.linger, phase: 'none' };
  hub.effects.push({ kind: 'cancel-timer', timer: 'linger' });
  stepConnection(hub, { kind: 'stop' }, context);
}
