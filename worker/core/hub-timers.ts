import type { Context } from './context.ts';
import { stepConnection, stepHeartbeat } from './hub-connection.ts';
import { expireEntries } from './hub-outbox.ts';
import { stepRenewal } from './hub-renewal.ts';
import { markStatus, startTimer, type HubState } from './hub-state.ts';
import { lingerElapsed } from './linger.ts';
import type { TimerName } from './hub-types.ts';
import * as coreLimits from './limits.ts';

/** A timer has come to its end. */
export function elapsed(hub: HubState, timer: TimerName, context: Context): void {
  hub.pendingTimers.delete(timer);
  switch (timer) {
    case 'connection':
      return stepConnection(hub, { kind: 'elapsed' }, context);
    case 'heartbeat':
      return stepHeartbeat(hub, { kind: 'elapsed' }, context);
    case 'status':
      return markStatus(hub);
    case 'stall':
      // The receive window is looked at after every input; the timer only makes sure that there is one.
      return;
    case 'uploads':
      return hub.uploads.retry();
    case 'expiry':
      return expireEntries(hub, context.now);
    case 'linger':
      return lingerElapsed(hub, context);
    case 'renewal':
      // Before the welcome the server takes no second token.
      if (!hub.session) return startTimer(hub, 'renewal', coreLimits.refreshMinMs);
      return stepRenewal(hub, { kind: 'elapsed' }, context);
    case 'cursors':
      if (hub.journal.hasCursors) hub.journal.flush();
      return;
    default:
      timer satisfies never;
  }
}
