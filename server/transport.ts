import type { IncomingHttpHeaders } from 'node:http';
import type { SharedText } from './shared-text.ts';

/** One connection as a session sees it: it can be a WebSocket or a simulated one. */
export interface Transport {
  /** Bytes handed over and not yet with the operating system. The session's `drained` is called once they have gone. */
  readonly bufferedAmount: number;
  /** Sends a text frame. */
  sendText(text: string | SharedText): void;
  /** Sends a binary frame: `data`, with `more` behind it, which is not copied. */
  sendBinary(data: Uint8Array, more?: Uint8Array): void;
  /** Sends a ping of the WebSocket protocol (RFC 6455, section 5.5.2). */
  ping(): void;
  /** Stops reading, so that the peer has to stop sending. */
  pause(): void;
  /** Reads on. */
  resume(): void;
  /** Sends what is under way, then a close frame; gives the peer a bounded time to answer it. */
  close(code: number, reason: string): void;
  /** Ends the connection at once. */
  terminate(): void;
}

/** The upgrade request, as far as an app may need it to authenticate. */
export interface PeerRequest {
  readonly headers: IncomingHttpHeaders;
  /** The client's address: the peer's, or, where that is one of `trustedProxies`, what `X-Forwarded-For` says. */
  readonly remoteAddress: string | undefined;
  /** Path and query. */
  readonly url: string;
  /** What the client's address is counted by: itself, or its IPv6 /64. */
  readonly addressKey?: string | undefined;
}
