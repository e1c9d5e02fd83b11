import type { Clock } from '../../worker/clock.ts';
import type { Realm } from '../kernel/realm.ts';

/** The clock of a realm, without chance. */
export const clockOf = (realm: Realm): Clock => ({
  context: () => ({ now: realm.kernel.now, ticks: realm.kernel.now, random: 0 }),
  after: (delayMs, run) => realm.after(delayMs, run),
});
