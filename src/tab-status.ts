import type { HubStatus, TabItem } from '../worker/core/hub-api.ts';
import { ConnectionError } from './protocol/errors.ts';
import { initialStatus } from './status.ts';
import type { SocketEventMap, SocketStatus } from './types.ts';

/** The status of a tab, and the events that tell of it and of other things. `see` sees each status before the app. */
export function createTabStatus(
  tabId: string,
  events: EventTarget,
  see: (next: SocketStatus) => SocketStatus,
) {
  let status = initialStatus(tabId);
  /** Signals that got no further than this tab. */
  let unsent = 0;

  const tell = <E extends keyof SocketEventMap>(type: E, detail: SocketEventMap[E]['detail']): void =>
    void events.dispatchEvent(new CustomEvent(type, { detail }));
  const set = (next: SocketStatus): void => tell('status', (status = see(next)));
  const setHub = (given: HubStatus): void =>
    set({ ...given, tabId, signalsDropped: given.signalsDropped + unsent });

  return {
    get status() {
      return status;
    },
    tell,
    set,
    setHub,

    /** A signal got no further than this tab. */
    signalUnsent(topic: string, error: ConnectionError): void {
      unsent += 1;
      set({ ...status, signalsDropped: status.signalsDropped + 1 });
      tell('signal-dropped', { topic, error });
    },

    /** Takes what is the tab's own of what the hub tells. False if it is a part's. */
    take(item: TabItem): boolean {
      if (item.kind === 'status') setHub(item.status);
      else if (item.kind !== 'signal-dropped') return false;
      else tell('signal-dropped', { topic: item.topic, error: new ConnectionError(item.error) });
      return true;
    },
  };
}
