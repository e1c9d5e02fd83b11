import type { Context } from '../context.ts';
import type { Join } from '../download.ts';
import type { HubConfig } from '../hub-api.ts';

/** Small numbers that are easy to tell from one another. */
export const testConfig: HubConfig = {
  url: 'ws://hub.test/',
  backoff: { baseMs: 1_000, maxMs: 30_000, maxAttempts: 4, stableMs: 5_000 },
  heartbeat: { intervalMs: 20_000, timeoutMs: 7_000 },
  connectTimeoutMs: 60_000,
  handshakeTimeoutMs: 10_000,
  queue: {
    maxEntries: 100,
    maxBytes: 10_000,
    maxLargeBytes: 100_000,
    maxAgeMs: 86_400_000,
    whenFull: 'reject',
  },
  durability: 'strict',
  identity: '',
  tokenBy: 'message',
};

/** A moment. The random number in the middle makes the jitter's factor 1. */
export const at = (now: number, random = 0.5, ticks = now): Context => ({ now, ticks, random });

/** A content in the place of a Blob: it has a size alone. */
export const joined: Join = (parts) => ({
  size: parts.reduce((sum, part) => sum + ('size' in part ? part.size : part.byteLength), 0),
});
