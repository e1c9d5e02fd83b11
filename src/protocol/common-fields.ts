import { boolean, json, object, oneOf, optional, string, uint } from './field.ts';
import * as limits from './limits.ts';

// Fields that stand in several envelopes.

export const id = string(limits.idLength);
export const topic = string(limits.topicLength);
export const name = string(limits.nameLength);
export const reason = string(limits.reasonLength);
/** How the hub gives back what the bytes of a large payload are. */
export const form = oneOf('json', 'bytes', 'blob');
export const mime = optional(string(limits.mimeLength));
/** The sender of the chunks is told how many bytes of the transfer have come, cumulatively. */
export const chunkAck = { transfer: id, received: uint() } as const;
/**
 * Where the sender is in a trace (W3C Trace Context): `{ traceparent, tracestate }`. Read by `traceContextOf`: what is
 * none is ignored, for it must not keep a message from its topic.
 */
export const trace = optional(json);
/** A part of a large payload; always a binary frame. The bytes begin at `at`. */
export const chunk = { transfer: id, at: uint(), payload: json } as const;
export const failure = object({ code: name, message: reason, retryable: optional(boolean) });

/** Somebody who is there: with what the app made public of them, where it did. */
export const member = object({
  identity: topic,
  /** Milliseconds since the Unix epoch. */ since: uint(),
  info: optional(json),
});

/** Fields that every envelope has: `type` besides these. `ts` is milliseconds since the Unix epoch. */
export const common = { id, ts: uint() } as const;
