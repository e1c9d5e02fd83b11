/** What a dialled socket tells, in this order: at most one `opened`, frames, exactly one `closed`. */
export interface TransportEvents {
  opened(): void;
  frame(data: string | Uint8Array): void;
  /** The socket's buffer went above its high-water mark, or back under the low one. */
  congestion(isCongested: boolean): void;
  closed(code: number, reason: string): void;
}

/** One attempt at a connection. After `close` it tells nothing more. */
export interface Transport {
  send(frame: string | Uint8Array<ArrayBuffer>): void;
  close(code: number, reason: string): void;
}

/**
 * Begins a connection to `url`, with `protocols` beside the one of the wire. Never throws: what goes wrong is a `closed`,
 * whose reason quotes neither, for each of them can hold a token.
 */
export type Dial = (url: string, events: TransportEvents, protocols?: readonly string[]) => Transport;
