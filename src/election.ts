import { standForHub } from '../worker/candidate.ts';
import { searchChannel } from './channel-search.ts';
import { failure } from './failure.ts';
import { openPort, type HubAnswer, type HubSearch, type TabSide } from './hub-search.ts';
import * as tabLimits from './limits.ts';
import type { Engine, EngineHost } from './tab-world.ts';

/** This tab's part in the election of the one that runs the hub, and the engine in which it does once it has won. */
export interface Election {
  /**
   * Competes from now on; looks for the hub over the channel, or starts it if this tab has won. Rejects where the engine
   * cannot run, with the lock kept for another one, and gives null once the signal aborts.
   */
  search(search: HubSearch, host: EngineHost): Promise<HubAnswer | null>;
  /** Whether this tab runs an engine. */
  hasEngine(): boolean;
  /** Stops the engine, and releases the lock or leaves the line. Tells whether this tab competed. */
  withdraw(): boolean;
  stand(): void;
}

export function createElection({ world, tabId, settings, api, anew }: TabSide): Election {
  const { locks, openChannel, after } = world;
  const { worker, hubName } = settings;
  /** Without an election each tab is on its own: two hubs at one database would only fence each other off. */
  const isAlone = !locks || !openChannel;
  let leave: (() => void) | null = null;
  let isElected = false;
  let engine: Engine | null = null;
  /** Whether the engine has answered. */
  let isServed = false;

  function stop(): void {
    engine?.stop();
    engine = null;
    isServed = false;
  }

  function stand(): void {
    if (isAlone) return void (isElected = true);
    leave ??= standForHub({ locks, openChannel, after }, hubName, tabId, {
      elected() {
        isElected = true;
        anew();
      },
      deposed() {
        isElected = false;
        stop();
        anew();
      },
      isServed: () => isServed,
    });
  }

  async function run(search: HubSearch, host: EngineHost): Promise<HubAnswer | null> {
    const { signal } = search;
    try {
      const port = openPort(search, (failed) =>
        (engine = world.startEngine(host, worker, hubName, failed, isAlone)).open(api),
      );
      let reply;
      do reply = await port.ask(tabLimits.engineTimeoutMs);
      while (reply?.kind === 'waiting' && !signal.aborted);
      if (signal.aborted) return null;
      if (reply?.kind === 'attached' || reply?.kind === 'refused') {
        isServed = true;
        return { hub: port.hub, reply };
      }
      throw failure('host-unavailable', `${reply?.kind ?? 'no answer'} from ${host} at ${worker}`);
    } catch (cause) {
      if (!signal.aborted) stop();
      throw cause;
    }
  }

  return {
    stand,
    hasEngine: () => engine !== null,
    async search(search, host) {
      stand();
      if (isElected || !openChannel) return run(search, host);
      const channel = searchChannel(search, openChannel);
      let found: HubAnswer | null = null;
      while (!found && !search.signal.aborted) found = await channel.look();
      return found;
    },
    withdraw() {
      stop();
      const hasStood = leave !== null;
      leave?.();
      leave = null;
      isElected = false;
      return hasStood;
    },
  };
}
