import {
  chunk,
  chunkAck,
  failure,
  form,
  id,
  member,
  mime,
  name,
  reason,
  topic,
  trace,
} from './common-fields.ts';
import { boolean, json, list, object, oneOf, optional, string, uint } from './field.ts';
import * as limits from './limits.ts';

/** What the server may send to the hub. */
export const serverSchema = {
  'auth-ok': {
    payload: object({ identity: string(limits.topicLength), expiresAt: optional(uint()) }),
  },
  /** The token expires soon: the hub sends another one, or is closed 4419. */
  expiring: { payload: object({ /** Milliseconds since the Unix epoch. */ expiresAt: uint() }) },
  welcome: {
    payload: object({
      version: uint(65_535),
      features: list(name, limits.offers),
      clientId: id,
      clientEpoch: uint(),
      /** Last outbox sequence that the server holds of this client id; 0 for none. */
      lastSeq: uint(),
      /** Refusals after the hello's `acked`, repeated because their nack may have been lost. */
      rejected: list(
        object({ seq: uint(), code: name, message: reason, retryable: optional(boolean) }),
        limits.rejected,
      ),
      heartbeatMs: uint(limits.durationMs),
      limits: object({
        /** Bytes of one WebSocket message, text or binary. */
        maxFrameBytes: uint(),
        /** Envelopes in one text frame; 1 where the feature `batch` was not chosen. */
        maxBatch: uint(),
        /** Entries that the hub may have unacknowledged. */
        window: uint(),
        maxSubscriptions: uint(),
      }),
    }),
  },
  subscribed: {
    re: id,
    topic,
    epoch: name,
    /** The messages that follow have the offsets after this one. */
    offset: uint(),
    /** Offset of the newest message at this moment; those up to it are history. */
    head: uint(),
  },
  ack: { seq: uint() },
  nack: { seq: uint(), payload: failure },
  message: {
    topic,
    epoch: name,
    offset: uint(),
    /** Of the publish that it came from. */
    trace,
    /** `null` where `transfer` names the content, whose chunks follow. */
    payload: json,
    transfer: optional(object({ id, size: uint(), form, mime, /** Where the chunks begin. */ at: uint() })),
  },
  chunk,
  'chunk-ack': chunkAck,
  gap: {
    topic,
    epoch: name,
    /** The messages that follow have the offsets after this one. */
    offset: uint(),
    payload: object({
      reason: oneOf('history', 'epoch'),
      /** How many messages are missing, where that can be known. */
      missed: optional(uint()),
    }),
  },
  response: { re: id, payload: json },
  error: { re: optional(id), topic: optional(topic), payload: failure },
  /** A subscription or a presence list ends: it is not allowed any more. */
  revoked: { topic, what: oneOf('subscribe', 'presence'), payload: object({ reason }) },
  signal: {
    /** In the copy to the connection that sent it alone: the id that it had there. */
    re: optional(id),
    topic,
    payload: object({ identity: topic, value: json }),
  },
  presence: {
    /** Absent in a list that stands for changes that were too many to be told. */
    re: optional(id),
    topic,
    /** `count` is how many there are, also where the list names fewer. */
    payload: object({ members: list(member, limits.members), count: uint() }),
  },
  'presence-change': {
    topic,
    /** `named` was there already, and takes the place of `left` in a list that is cut. */
    payload: object({
      joined: optional(member),
      left: optional(member),
      named: optional(member),
      count: uint(),
    }),
  },
  goaway: { payload: object({ reason, retryAfterMs: uint(limits.durationMs) }) },
  ping: {},
  pong: { re: id },
} as const;
