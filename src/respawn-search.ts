import { openPort, waitInTwoParts, type AskablePort, type HubAnswer, type HubSearch } from './hub-search.ts';
import * as tabLimits from './limits.ts';

/**
 * The first look after a hub is known to be dead, for the SharedWorker that follows it. The one of this life should, so
 * that tabs that come later find it; but in Firefox none answers under the name of one whose process was killed. Where it
 * is not there at once, the one of the next life is asked besides, and the first that has the hub is taken: a worker that
 * was merely slow to start is not given up for that. Gives its life, too; null where neither has the hub.
 */
export async function searchRespawned(
  search: HubSearch,
  life: number,
): Promise<{ readonly found: HubAnswer; readonly life: number } | null> {
  const { world, settings, api, signal } = search;
  const { worker, hubName } = settings;
  const ports: AskablePort[] = [];

  async function ask(asked: number) {
    const port = openPort(search, (failed) => world.openSharedWorker(worker, hubName, api, failed, asked));
    ports.push(port);
    let reply = await port.ask(tabLimits.attachTimeoutMs);
    while (!signal.aborted && reply?.kind === 'waiting') reply = await port.ask(tabLimits.waitingTimeoutMs);
    if (reply?.kind !== 'attached' && reply?.kind !== 'refused') return null;
    return { found: { hub: port.hub, reply }, life: asked };
  }

  const same = ask(life);
  let winner: Awaited<typeof same> | undefined;
  try {
    winner = await waitInTwoParts(same, tabLimits.respawnMs, world);
    if (winner === undefined && !signal.aborted) {
      const next = ask(life + 1);
      winner = (await Promise.race([same, next])) ?? (await same) ?? (await next);
    }
  } finally {
    for (const port of ports) if (port.hub !== winner?.found.hub) port.close();
  }
  return winner ?? null;
}
