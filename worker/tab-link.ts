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

/** A link over whatever carries messages: Comlink at both ends. */
export function linkOver(endpoint: Endpoint, close: () => void): TabLink {
  const tab: Remote<TabApi> = wrap<TabApi>(endpoint);
  // Not Comlink's releaseProxy, which tells the other side and waits for an answer: a message that reaches a
  // page in the back/forward cache evicts it.
  return { tab, serve: (api) => expose(api, endpoint), close };
}

/** A link over a MessagePort. */
export const portLink = (port: MessagePort): TabLink => linkOver(port, () => port.close());
