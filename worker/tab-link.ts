import { expose, wrap, type Endpoint, type Remote } from 'comlink';
import type { HubApi, TabApi } from './core/hub-api.ts';

/** The hub's end of the way to one tab. */
export interface TabLink {
  /** The tab's side of the contract. A call to a tab that died never settles; its lock tells of the death. */
  readonly tab: {
    [K in keyof TabApi]: (...args: Parameters<TabApi[K]>) => Promise<Awaited<ReturnType<TabApi[K]>>>;
  };
  /** Offers the hub's side of the contract. */
  serve(api: HubApi): void;
  close(): void;
}

/** A link over a MessagePort, or over the global scope of a dedicated worker: Comlink at both ends. */
export function portLink(endpoint: Endpoint): TabLink {
  const tab: Remote<TabApi> = wrap<TabApi>(endpoint);
  return {
    tab,
    serve: (api) => expose(api, endpoint),
    // Not Comlink's releaseProxy, which tells the other side and waits for an answer: a message that reaches a
    // page in the back/forward cache evicts it.
    close() {
      if (endpoint instanceof MessagePort) endpoint.close();
    },
  };
}
