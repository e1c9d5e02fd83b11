import { chunk, chunkAck, form, id, mime, name, topic, trace } from './common-fields.ts';
import { boolean, json, list, object, oneOf, optional, string, uint } from './field.ts';
import * as limits from './limits.ts';

/** What the hub may send to the server. */
export const clientSchema = {
  hello: {
    payload: object({
      versions: list(uint(65_535), limits.offers),
      features: list(name, limits.offers),
      clientId: id,
      clientEpoch: uint(),
      /** Whose outbox this is; a server that finds the token to be somebody else's closes 4403. */
      identity: optional(topic),
      /** Highest cumulative outbox acknowledgement that the hub has taken. */
      acked: uint(),
      /** Messages that the server may have under way without a `received`. */
      window: uint(),
      /** Whether an `auth` follows; with `none`, a server that needs a token refuses at once. */
      auth: oneOf('token', 'none'),
    }),
  },
  auth: { payload: object({ token: string(limits.tokenLength) }) },
  subscribe: {
    topic,
    trace,
    /** Messages of the history to begin with, where there is no `resume`. */
    replay: optional(uint()),
    /** The last position that the hub has. */
    resume: optional(
      object({
        epoch: name,
        offset: uint(),
        /** The large message that was under way, and how many of its bytes the hub has. */
        partial: optional(object({ offset: uint(), received: uint() })),
      }),
    ),
  },
  unsubscribe: { topic },
  publish: {
    topic,
    seq: uint(),
    trace,
    /** `null` where `transfer` names the content. */
    payload: json,
    transfer: optional(object({ id, size: uint(), form, mime })),
  },
  /** Begins a transfer to this topic, or goes on with it. */
  offer: { topic, transfer: id, size: uint() },
  chunk,
  /** Gives a transfer up. */
  abandon: { transfer: id },
  'chunk-ack': chunkAck,
  request: {
    method: string(limits.methodLength),
    trace,
    payload: json,
    /** Milliseconds that the hub waits; 0 for as long as the server's own limit lets the request run. */
    timeoutMs: uint(limits.durationMs),
  },
  cancel: { re: id },
  /** To all who are subscribed to the topic now; kept by nobody. The id names the tab, for the sender's own copy. */
  signal: { topic, payload: object({ value: json }) },
  /** Asks for a presence list, and for its changes. */
  watch: {
    topic,
    /** Whether the hub has an older list: then it is no loss to wait until the new one is sure. */
    resumes: optional(boolean),
  },
  unwatch: { topic },
  received: { count: uint() },
  ping: {},
  pong: { re: id },
} as const;
