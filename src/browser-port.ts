import { expose, wrap, type Endpoint, type Remote } from 'comlink';
import type { HubApi, TabApi } from '../worker/core/hub-api.ts';
import { failure } from './failure.ts';
import type { ConnectionError } from './protocol/errors.ts';
import type { HubPort } from './tab-world.ts';

/** Both sides of the contract at one end: offers the tab's, and gives the hub's. */
export function linkHub(endpoint: Endpoint, api: TabApi): Remote<HubApi> {
  const hub = wrap<HubApi>(endpoint);
  expose(api, endpoint);
  return hub;
}

/**
 * A way to a hub over a port. Comlink's releaseProxy would wait for an answer, and one that comes after `pagehide`
 * evicts the page from the back/forward cache.
 */
export const portTo = (port: MessagePort, api: TabApi): HubPort => ({
  hub: linkHub(port, api),
  close: () => port.close(),
});

/** No hub can be had there. */
export const unavailable = (where: string, reason: unknown): ConnectionError =>
  failure('host-unavailable', `no ${where}: ${reason ?? 'not loaded'}`, reason);
