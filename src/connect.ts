import { browserWorld } from './browser-world.ts';
import { createClient } from './client.ts';
import { readOptions } from './options.ts';
import type { ApiShape, ConnectOptions, OneSocket, UntypedApi } from './types.ts';

/**
 * Connects this tab to the one socket of its origin. Returns at once; follow `status` for what happens.
 *
 * @param url Where the server listens. `http:` and `https:` become `ws:` and `wss:`, and a relative URL is
 *   resolved against the page.
 * @throws ConnectionError `invalid-option`, with the option's name. Where no hub can run, the status becomes
 *   `closed` and every promise rejects with `host-unavailable`.
 * @example
 * const socket = connect('wss://example.com/realtime', { auth: () => fetchToken() });
 * for await (const message of socket.subscribe('chat:1', { replay: 20 })) show(message.payload);
 */
export function connect<A extends ApiShape = UntypedApi>(
  url: string | URL,
  options: ConnectOptions = {},
): OneSocket<A> {
  // Stands as a plain variable, and with this comment, for the sake of bundlers: see docs/decisions.
  const worker = new URL(/* @vite-ignore */ './worker.js', import.meta.url);
  return createClient(readOptions(url, options, worker), browserWorld) as OneSocket<A>;
}
