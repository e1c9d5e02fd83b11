import type { OnesocketServer } from './create-server.ts';
import { drainHurryMs } from './limits.ts';

/** What a signal does. */
export interface DrainOnSignalOptions {
  /** Default `['SIGTERM']`, which is what process managers send. */
  readonly signals?: readonly NodeJS.Signals[];
  /** Milliseconds that the drain may take. Default 30,000. It should be less than the process manager waits. */
  readonly withinMs?: number;
  /**
   * Runs once the server is drained and closed: the place to close the HTTP server and the backbone. Then the process
   * ends by itself, if nothing else keeps it. Where it fails, the exit code is 1.
   */
  readonly done?: () => void | Promise<void>;
}

/**
 * Drains and closes a server when the process is asked to end. A second signal hurries; once all is done, signals do
 * again what they do by default.
 *
 * @returns what takes the listeners away again
 * @example
 * drainOnSignal(server, {
 *   done: async () => {
 *     httpServer.close();
 *     await backbone.close();
 *   },
 * });
 */
export function drainOnSignal(
  server: Pick<OnesocketServer, 'drain' | 'close'>,
  { signals = ['SIGTERM'], withinMs, done }: DrainOnSignalOptions = {},
): () => void {
  let running: Promise<void> | undefined;
  const stop = () => signals.forEach((signal) => process.off(signal, asked));
  const run = async () => {
    try {
      await server.drain(withinMs === undefined ? {} : { withinMs });
      await server.close();
      await done?.();
    } catch (reason) {
      process.exitCode = 1;
      process.emitWarning(reason instanceof Error ? reason : String(reason));
    } finally {
      stop();
    }
  };
  function asked(): void {
    if (running) void server.drain({ withinMs: drainHurryMs });
    running ??= run();
  }
  for (const signal of signals) process.on(signal, asked);
  return stop;
}
