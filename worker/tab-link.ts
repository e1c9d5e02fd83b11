import { expose, releaseProxy, wrap, type Endpoint, type Remote } from 'comlink';
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
    // Releasing the proxy closes the port, with everything that waits at it.
    close: () => tab[releaseProxy](),
  };
}
