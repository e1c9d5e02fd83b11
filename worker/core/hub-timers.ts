import type { Context } from './context.ts';
import { stepConnection, stepHeartbeat } from './hub-connection.ts';
import { markStatus, startTimer, tellFates, type HubState } from './hub-state.ts';
import type { TimerName } from './hub-types.ts';

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
    case 'expiry':
      return expireEntries(hub, context.now);
    default:
      timer satisfies never;
  }
}

function expireEntries(hub: HubState, now: number): void {
  const { fates, nextAt } = hub.outbox.expire(now);
  tellFates(hub, fates);
  hub.expiryAt = nextAt;
  if (nextAt !== null) startTimer(hub, 'expiry', nextAt - now);
}
