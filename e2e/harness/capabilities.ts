import type { ConnectOptions } from 'onesocket';

/** Where the hub of a project runs: the option `host` of `connect`. */
export type Host = 'shared-worker' | 'dedicated-worker' | 'page';

/** All hosts; the first is the usual one. */
export const hosts: readonly Host[] = ['shared-worker', 'dedicated-worker', 'page'];

/** What differs between browsers and hosts. What a test expects or leaves out because of it is read off here. */
export interface Capabilities {
  /** Whether the hub can be ended without a tab: otherwise the tab in whose process it runs goes with it. */
  readonly killHubAlone: boolean;
  /** Why tabs and hubs cannot be killed, or `false` where they can. */
  readonly cannotKill: string | false;
  /** Whether a page with a socket goes into the back/forward cache. Firefox caches no page that holds a Web Lock. */
  readonly backForwardCache: boolean;
  /** Whether the hub outlives the only tab's reload: `extendedLifetime`, which Chromium has from 148 on. */
  readonly lingers: boolean;
  /** Whether the hub lives on in its own thread when the tab that started it closes. */
  readonly outlivesFirstTab: boolean;
}

/** The capabilities of one project. */
export const capabilitiesOf = (browser: string, host: Host): Capabilities => {
  const isChromium = browser === 'chromium';
  const isShared = host === 'shared-worker';
  return {
    killHubAlone: isChromium && isShared,
    cannotKill:
      !isChromium &&
      process.platform !== 'linux' &&
      `only Linux tells which process of ${browser} runs a tab`,
    backForwardCache: isChromium,
    lingers: isChromium && isShared,
    outlivesFirstTab: isShared,
  };
};

/** The host left out, as an app does: the tab looks for one itself. */
export const anyHost = { host: undefined } as unknown as ConnectOptions;
