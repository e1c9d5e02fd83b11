import type { TokenCarrier } from '../worker/core/token-types.ts';

/** A token with its end: the hub gets the next one before that, without a new connection. */
export interface Token {
  readonly token: string;
  /** When it expires, in milliseconds since the Unix epoch. Default: when the server says. */
  readonly expiresAt?: number | undefined;
}

/**
 * A token for the server, or a function that gets one. It is asked at every connection, and for the next token before one
 * expires: in the tab that was used last, and in another where that does not answer within 10 s.
 */
export type Auth = string | Token | (() => string | Token | Promise<string | Token>);

/** The options of `connect` that say who this is. */
export interface AuthOptions {
  /** A token, or a function that gets one. Default: none. */
  auth?: Auth;
  /**
   * How the token gets to the server, which has to be told by its option `tokens` of all but the first:
   * - `message`: as the first message. The token is in no URL and no header.
   * - `subprotocol`: with the upgrade, for what stands before the server and wants to see it.
   * - `query`: in the URL, as the parameter `token`. It gets into logs of proxies and into the browser's console.
   * - `cookie`: the browser sends it along by itself; there is no `auth` then, and the hub connects anew when it expires.
   *
   * Default `message`.
   */
  tokenBy?: TokenCarrier;
}
