import type { HubConfig, HubOptions } from './hub-api.ts';

/** What a hub does where its first tab says nothing else. */
const hubDefaults: Omit<HubConfig, 'url'> = {
  heartbeat: { intervalMs: 30_000, timeoutMs: 10_000 },
  backoff: { baseMs: 1_000, maxMs: 30_000, maxAttempts: 30, stableMs: 5_000 },
  // Browsers delay attempts after failures, Firefox by up to 60 s: to give up earlier makes it worse.
  connectTimeoutMs: 60_000,
  handshakeTimeoutMs: 10_000,
  queue: {
    maxEntries: 10_000,
    maxBytes: 16 * 1024 * 1024,
    maxLargeBytes: 256 * 1024 * 1024,
    maxAgeMs: 7 * 24 * 60 * 60 * 1_000,
    whenFull: 'reject',
  },
  durability: 'strict',
  identity: '',
  tokenBy: 'message',
};

/** The given options, with the defaults in the places of the others. */
export const completeConfig = (options: HubOptions): HubConfig => merge(hubDefaults, options) as HubConfig;

function merge(defaults: object, given: object): object {
  const result: Record<string, unknown> = { ...defaults };
  for (const [key, value] of Object.entries(given)) {
    if (value === undefined) continue;
    result[key] = typeof value === 'object' ? merge(result[key] as object, value as object) : value;
  }
  return result;
}
