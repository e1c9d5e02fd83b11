import { connect, type ConnectOptions, type OneSocket } from 'onesocket';
import type { DemoApi } from './contract.ts';

/** The demo's socket: as an app would open it, but with a heartbeat that notices a frozen server while a visitor watches. */
export const openSocket = (): OneSocket<DemoApi> => {
  const url = new URL('/realtime', location.href);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  // `?host=dedicated-worker` or `?host=page` shows what a browser without SharedWorker gets.
  const host = new URLSearchParams(location.search).get('host') as ConnectOptions['host'] | null;
  return connect<DemoApi>(url.href, {
    ...(host && { host }),
    heartbeat: { intervalMs: 2_000, timeoutMs: 3_000 },
    backoff: { maxMs: 10_000 },
    connectTimeoutMs: 5_000,
    handshakeTimeoutMs: 5_000,
  });
};
