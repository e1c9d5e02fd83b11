import { createElection, type Election } from './election.ts';
import type { HubAnswer, HubSearch, TabSide } from './hub-search.ts';
import { searchSharedWorker } from './shared-worker-search.ts';

/** Where a tab looks for its hub: in one host after the other, as docs/decisions/0019 has it. */
export interface Hosts extends Pick<Election, 'stand' | 'withdraw' | 'hasEngine'> {
  /** Looks until there is an answer for good. Rejects when the last host has failed, and gives null for an abort. */
  search(search: HubSearch): Promise<HubAnswer | null>;
}

export function createHosts(side: TabSide): Hosts {
  const election = createElection(side);
  // A host that has failed is not tried again: what this tab runs or joins should not change to and fro.
  const hosts = [...side.settings.hosts];
  const lives = { life: 0 };
  let wasAttached = false;

  return {
    ...election,
    async search(search) {
      const host = hosts[0]!;
      const isLast = hosts.length === 1;
      try {
        const found =
          host === 'shared-worker'
            ? // Where there was a hub, and there can be no other host, there will be one.
              await searchSharedWorker(search, lives, isLast && wasAttached)
            : await election.search(search, host);
        wasAttached ||= found !== null;
        return found;
      } catch (cause) {
        if (search.signal.aborted) return null;
        if (isLast) throw cause;
        hosts.shift();
        // Closes what the search has opened so far.
        search.anew();
        return null;
      }
    },
  };
}
