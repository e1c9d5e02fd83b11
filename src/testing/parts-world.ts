import { timers } from '../../worker/timers.ts';
import type { Outlet } from '../outlet.ts';

/** The world of a tab's parts in Node, where tests may put the timers in their own hands. */
export const partsWorld: Outlet['world'] = {
  after: timers.after,
  now: () => Date.now(),
  randomId: () => crypto.randomUUID(),
};
