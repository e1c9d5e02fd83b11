import { boolean, object, optional, string, uint } from './field.ts';
import * as limits from './limits.ts';

// Fields that stand in several envelopes.

export const id = string(limits.idLength);
export const topic = string(limits.topicLength);
export const name = string(limits.nameLength);
export const reason = string(limits.reasonLength);
export const position = object({ epoch: name, offset: uint() });
export const failure = object({ code: name, message: reason, retryable: optional(boolean) });

/** Fields that every envelope has: `type` besides these. `ts` is milliseconds since the Unix epoch. */
export const common = { id, ts: uint() } as const;
