import { id, name, position, topic } from './common-fields.ts';
import { json, list, object, oneOf, optional, string, uint } from './field.ts';
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
    /** Messages of the history to begin with, where there is no `resume`. */
    replay: optional(uint()),
    /** The last position that the hub has. */
    resume: optional(position),
  },
  unsubscribe: { topic },
  publish: { topic, seq: uint(), payload: json },
  request: {
    method: string(limits.methodLength),
    payload: json,
    /** Milliseconds that the hub waits; 0 for as long as the server's own limit lets the request run. */
    timeoutMs: uint(limits.durationMs),
  },
  cancel: { re: id },
  received: { count: uint() },
  ping: {},
  pong: { re: id },
} as const;
