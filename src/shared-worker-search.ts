import { searchChannel, type ChannelSearch } from './channel-search.ts';
import { failure } from './failure.ts';
import { openPort, type AskablePort, type HubAnswer, type HubSearch } from './hub-search.ts';
import * as tabLimits from './limits.ts';
import { searchRespawned } from './respawn-search.ts';

/** What a tab knows of the SharedWorkers that it has constructed. */
export interface SharedWorkerLives {
  /** The worker that may answer: those of earlier lives did not, for too long. */
  life: number;
}

/**
 * Looks for the hub in the SharedWorker of this URL, starting it if need be; where that is not the hub, over the channel.
 * A worker that is ending takes connections without an answer, so that each attempt has a deadline, and the next one
 * begins anew; `isPatient` does not give up. Where it stays silent the hub may be in a worker that other tabs found, and is
 * asked for over the channel; then a worker of another life is tried. Rejects where there is no such worker, and gives null
 * once `signal` aborts.
 */
export async function searchSharedWorker(
  search: HubSearch,
  lives: SharedWorkerLives,
  isPatient: boolean,
): Promise<HubAnswer | null> {
  const { world, settings, api, signal } = search;
  const { worker, hubName } = settings;
  let channel: ChannelSearch | null = null;
  let deadlineMs = tabLimits.attachTimeoutMs / 2;
  let silences = 0;

  /** The answer for good, or null for silence. */
  async function ask(port: AskablePort): Promise<HubAnswer | null> {
    let reply = await port.ask(deadlineMs);
    while (!signal.aborted && (reply?.kind === 'waiting' || reply?.kind === 'standby')) {
      deadlineMs = tabLimits.attachTimeoutMs / 2;
      silences = 0;
      if (reply.kind === 'standby' && world.openChannel) {
        channel ??= searchChannel(search, world.openChannel);
        const found = await channel.look(reply.hubId);
        if (found || signal.aborted) return found;
      }
      reply = await port.ask(tabLimits.waitingTimeoutMs);
    }
    if (reply?.kind === 'other-version') throw failure('host-unavailable', `another version at ${worker}`);
    if (reply?.kind !== 'attached' && reply?.kind !== 'refused') return null;
    // The worker has become the hub meanwhile, and would be asked to attach this tab a second time.
    channel?.close();
    return { hub: port.hub, reply };
  }

  if (search.lastHub.isDead && world.openChannel) {
    const respawned = await searchRespawned(search, lives.life);
    if (signal.aborted) return null;
    lives.life = respawned?.life ?? lives.life + 1;
    if (respawned) return respawned.found;
  }
  for (; ; silences += 1) {
    if (silences >= tabLimits.silencesInLife && world.openChannel) {
      channel ??= searchChannel(search, world.openChannel);
      lives.life += 1;
      const found = await channel.look();
      if (found || signal.aborted) return found;
    }
    deadlineMs = Math.min(deadlineMs * 2, tabLimits.attachTimeoutMaxMs);
    const port = openPort(search, (failed) =>
      world.openSharedWorker(worker, hubName, api, failed, lives.life),
    );
    let found: HubAnswer | null = null;
    try {
      found = await ask(port);
    } finally {
      if (found?.hub !== port.hub) port.close();
    }
    if (found || signal.aborted) return found;
    if (!isPatient && deadlineMs >= tabLimits.attachTimeoutMaxMs) {
      throw failure('host-unavailable', `no answer from ${worker}`);
    }
  }
}
