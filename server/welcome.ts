import * as protocolLimits from '../src/protocol/limits.ts';
import type { ClientMessage } from '../src/protocol/schema.ts';
import { wireVersions } from '../src/protocol/version.ts';
import type { OpenResult } from './backbone.ts';
import type { ServerLimits } from './limits.ts';
import type { Reply } from './outbound.ts';

/** What a welcome is made of. */
export interface WelcomeParts {
  readonly hello: ClientMessage<'hello'>;
  readonly result: OpenResult & { readonly kind: 'open' };
  readonly limits: ServerLimits;
  readonly heartbeatMs: number;
  /** The features that both sides have. */
  readonly features: readonly string[];
}

/** The answer to a hello that opens the session. */
export function welcomeOf({ hello, result, limits, heartbeatMs, features }: WelcomeParts): Reply {
  const { versions, clientId, clientEpoch } = hello.payload;
  return {
    type: 'welcome',
    payload: {
      version: wireVersions.find((version) => versions.includes(version))!,
      features,
      clientId,
      clientEpoch,
      lastSeq: result.lastSeq,
      rejected: result.refusals,
      heartbeatMs,
      limits: {
        maxFrameBytes: limits.maxFrameBytes,
        maxBatch: features.includes('batch') ? protocolLimits.batchEnvelopes : 1,
        window: limits.window,
        maxSubscriptions: limits.maxSubscriptions,
      },
    },
  };
}
