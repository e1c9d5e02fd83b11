import type { ServerContext } from './context.ts';
import { isPromise } from './maybe-promise.ts';

/** Tells the backbone that a client has disconnected. Where that fails, its record just stays for longer. */
export function forgetClient({ backbone, logger }: ServerContext, key: string, lease: number): void {
  const failed = (reason: unknown) => logger.warn({ err: reason }, 'closeClient failed');
  try {
    const closed = backbone.closeClient(key, lease);
    if (isPromise(closed)) closed.then(undefined, failed);
  } catch (reason) {
    failed(reason);
  }
}
