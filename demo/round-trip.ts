import type { OneSocket } from 'onesocket';
import type { DemoApi } from './contract.ts';

/** How long a request takes from this tab by the hub to the server and back. */
export interface RoundTrip {
  /** Null before the first, and after one that failed. */
  readonly lastMs: number | null;
}

const everyMs = 2_000;

/** Asks the server now and then, while the tab is visible and the socket open. */
export const createRoundTrip = (socket: OneSocket<DemoApi>): RoundTrip => {
  let lastMs: number | null = null;

  const measure = async (): Promise<void> => {
    if (document.visibilityState !== 'visible' || socket.status.state !== 'open') return;
    const startedAt = performance.now();
    try {
      await socket.request('server.info', null, { timeoutMs: everyMs });
      lastMs = performance.now() - startedAt;
    } catch {
      // The picture shows the connection's own error; a probe that failed has nothing to add.
      lastMs = null;
    }
  };
  setInterval(() => void measure(), everyMs);
  socket.addEventListener('status', ({ detail }) => {
    if (detail.state === 'open' && lastMs === null) void measure();
  });

  return {
    get lastMs() {
      return lastMs;
    },
  };
};
