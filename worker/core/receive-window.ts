import type { Context } from './context.ts';
import { say, startOnce, type HubState } from './hub-state.ts';
import * as coreLimits from './limits.ts';
import { isStuck } from './tabs.ts';
import type { Topic } from './tab-types.ts';

/**
 * Tells the server what was received, so that it sends on. A message counts once a tab has been sent it: a
 * flood thus goes at the pace of the fastest tab of its topic, and no faster. Slower tabs have the tail to
 * catch up from. A tab that is paused or stuck holds nobody back; its own messages are those that it misses.
 */
export function tellReceived(hub: HubState, context: Context): void {
  const { session } = hub;
  if (!session) return;
  // A quarter of the window at once, so that the server never runs dry. It keeps to the smaller of both windows.
  const step = Math.min(coreLimits.receiveWindow, session.window) / 4;
  if (session.received - session.toldReceived < step) return;
  const count = session.received - heldMessages(hub.topics.values(), context.now);
  if (count - session.toldReceived < step) {
    startOnce(hub, 'stall', coreLimits.stuckAfterMs);
    return;
  }
  session.toldReceived = count;
  say(hub, context.now, { type: 'received', count });
}

/** Messages that no tab has been sent yet, although one is fit to take them. */
function heldMessages(topics: Iterable<Topic>, now: number): number {
  let held = 0;
  for (const { tail, subscriptions } of topics) {
    let furthest = -1;
    for (const { paused, place, tab } of subscriptions) {
      if (place !== null && !paused && place > furthest && !isStuck(tab, now)) furthest = place;
    }
    if (furthest >= 0) held += Math.max(0, tail.end - furthest);
  }
  return held;
}
