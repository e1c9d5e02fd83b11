import { boolean, json, list, object, oneOf, optional, string, uint, type FieldValues } from './field.ts';
import * as limits from './limits.ts';

const id = string(limits.idLength);
const topic = string(limits.topicLength);
const name = string(limits.nameLength);
const reason = string(limits.reasonLength);
const position = object({ epoch: name, offset: uint() });
const failure = object({ code: name, message: reason, retryable: optional(boolean) });

/** Fields that every envelope has: `type` besides these. `ts` is milliseconds since the Unix epoch. */
const common = { id, ts: uint() } as const;

/** What the hub may send to the server. */
export const clientSchema = {
  hello: {
    ...common,
    payload: object({
      versions: list(uint(65_535), limits.offers),
      features: list(name, limits.offers),
      clientId: id,
      clientEpoch: uint(),
      /** Highest cumulative outbox acknowledgement that the hub has taken. */
      acked: uint(),
      /** Messages that the server may have under way without a `received`. */
      window: uint(),
      /** Whether an `auth` follows; with `none`, a server that needs a token refuses at once. */
      auth: oneOf('token', 'none'),
    }),
  },
  auth: { ...common, payload: object({ token: string(limits.tokenLength) }) },
  subscribe: {
    ...common,
    topic,
    /** Messages of the history to begin with, where there is no `resume`. */
    replay: optional(uint()),
    /** The last position that the hub has. */
    resume: optional(position),
  },
  unsubscribe: { ...common, topic },
  publish: { ...common, topic, seq: uint(), payload: json },
  request: { ...common, method: string(limits.methodLength), payload: json, timeoutMs: uint() },
  cancel: { ...common, re: id },
  received: { ...common, count: uint() },
  ping: { ...common },
  pong: { ...common, re: id },
} as const;

/** What the server may send to the hub. */
export const serverSchema = {
  'auth-ok': {
    ...common,
    payload: object({ identity: string(limits.topicLength), expiresAt: optional(uint()) }),
  },
  welcome: {
    ...common,
    payload: object({
      version: uint(65_535),
      features: list(name, limits.offers),
      clientId: id,
      clientEpoch: uint(),
      /** Last outbox sequence that the server holds of this client id; 0 for none. */
      lastSeq: uint(),
      /** Refusals after the hello's `acked`, repeated because their nack may have been lost. */
      rejected: list(object({ seq: uint(), code: name, message: reason }), limits.rejected),
      heartbeatMs: uint(),
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
    ...common,
    re: id,
    topic,
    epoch: name,
    /** The messages that follow have the offsets after this one. */
    offset: uint(),
    /** Offset of the newest message at this moment; those up to it are history. */
    head: uint(),
  },
  ack: { ...common, seq: uint() },
  nack: { ...common, seq: uint(), payload: failure },
  message: { ...common, topic, epoch: name, offset: uint(), payload: json },
  gap: {
    ...common,
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
  response: { ...common, re: id, payload: json },
  error: { ...common, re: optional(id), topic: optional(topic), payload: failure },
  goaway: { ...common, payload: object({ reason, retryAfterMs: uint() }) },
  ping: { ...common },
  pong: { ...common, re: id },
} as const;

type EnvelopeOf<Schema> = {
  [T in keyof Schema]: { readonly type: T } & FieldValues<Schema[T]>;
}[keyof Schema];

/** An envelope from the hub to the server. */
export type ClientEnvelope = EnvelopeOf<typeof clientSchema>;

/** An envelope from the server to the hub. */
export type ServerEnvelope = EnvelopeOf<typeof serverSchema>;

/** The client envelope of one type. */
export type ClientMessage<T extends ClientEnvelope['type']> = Extract<ClientEnvelope, { type: T }>;

/** The server envelope of one type. */
export type ServerMessage<T extends ServerEnvelope['type']> = Extract<ServerEnvelope, { type: T }>;
