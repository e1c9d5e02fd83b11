import { findHub, findLeader, nameOf } from './leader.ts';
import * as chaosLimits from './limits.ts';
import { signalProcess } from './processes.ts';
import type { Frozen, World } from './world.ts';

const stop = (world: World, pid: number): Frozen => {
  signalProcess(pid, 'SIGSTOP');
  return (world.frozen = { pid, at: performance.now(), takeover: null });
};

/** Stops the process of the hub, and watches who takes over. Gives the name of the tab. */
export const freezeLeader = async (world: World): Promise<string | null> => {
  const { pages } = world.tabs;
  const leader = await findLeader(pages);
  const hub = await findHub(world);
  if (leader === null || hub === null) return null;
  const frozen = stop(world, hub.pid);
  const takeover: Frozen['takeover'] = { afterMs: null };
  frozen.takeover = takeover;
  const others = pages.filter((page) => page !== leader.page);
  const spec = {
    clientId: leader.clientId,
    pollMs: chaosLimits.leaderPollMs,
    timeoutMs: chaosLimits.freezeMsMax,
  };
  // Pages that share the process, or die, do not answer.
  Promise.any(others.map((page) => page.evaluate(untilOther, spec))).then(
    () => (takeover.afterMs = performance.now() - frozen.at),
    () => {},
  );
  return hub.name;
};

/** In the page: waits until somebody else has the hub lock. */
const untilOther = async (spec: { clientId: string; pollMs: number; timeoutMs: number }): Promise<void> => {
  for (let waitedMs = 0; waitedMs < spec.timeoutMs; waitedMs += spec.pollMs) {
    const { held = [] } = await navigator.locks.query();
    const holder = held.find(({ name }) => name?.endsWith(':hub'));
    if (holder !== undefined && holder.clientId !== spec.clientId) return;
    await new Promise((resolve) => setTimeout(resolve, spec.pollMs));
  }
  throw new Error('nobody took over');
};

/** Stops the process of a tab that does not run the hub. Gives its name. */
export const freezeTab = async (world: World, pick: number): Promise<string | null> => {
  const { tabs, browser } = world;
  const leader = await findLeader(tabs.pages);
  const followers = tabs.pages.filter((page) => page !== leader?.page);
  const page = followers[Math.floor(pick * followers.length)];
  const hub = await findHub(world);
  if (page === undefined || hub === null) return null;
  const pid = await browser.processOf(page);
  // Tabs may share a process with each other, or with the SharedWorker.
  if (pid === hub.pid) return null;
  stop(world, pid);
  return nameOf(page);
};

/** Lets it run again. Gives what to say of it. */
export const thaw = (world: World): string => {
  const { frozen } = world;
  if (frozen === null) return '';
  signalProcess(frozen.pid, 'SIGCONT');
  world.frozen = null;
  if (frozen.takeover === null) return '';
  const { afterMs } = frozen.takeover;
  if (afterMs !== null) return `, taken over after ${Math.round(afterMs)} ms`;
  const lastedMs = Math.round(performance.now() - frozen.at);
  if (lastedMs > chaosLimits.stealMsMax)
    world.trouble(`nobody took over from a leader frozen for ${lastedMs} ms`);
  return ', not taken over';
};
