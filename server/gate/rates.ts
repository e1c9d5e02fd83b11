import type { ServerLimits } from '../limits.ts';
import type { Rate } from './token-bucket.ts';

/** What one connection may send. */
export interface ConnectionRates {
  readonly messages: Rate;
  readonly bytes: Rate;
  readonly controls: Rate;
}

/** The rates that limits name. */
export const ratesOf = (limits: ServerLimits): ConnectionRates => ({
  messages: { perSecond: limits.messagesPerSecond, burst: limits.messageBurst },
  bytes: { perSecond: limits.bytesPerSecond, burst: limits.byteBurst },
  controls: { perSecond: limits.controlsPerSecond, burst: limits.controlBurst },
});
