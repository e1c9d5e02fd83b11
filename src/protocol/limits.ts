// Bounds of the wire protocol. A peer that sends more than these has violated it.
// Single constants, imported as a namespace, so that a minifier can put the numbers in their places.

/** Characters in an envelope id. */
export const idLength = 64;
/** Characters in a topic name. */
export const topicLength = 256;
/** Characters in a request method. */
export const methodLength = 128;
/** Characters in a token. */
export const tokenLength = 8192;
/** Characters in a human-readable message or reason. */
export const reasonLength = 1024;
/** Characters in an error or feature name, and in a topic epoch. */
export const nameLength = 64;
/** Envelopes in one text frame. */
export const batchEnvelopes = 1024;
/** Versions or features offered in a hello. */
export const offers = 32;
/** Milliseconds of any duration: the longest that timers take (HTML, timers: a signed 32-bit number). */
export const durationMs = 2_147_483_647;
/** Nacks repeated in a welcome. */
export const rejected = 1024;
/** UTF-8 bytes of the JSON text of a signal. */
export const signalBytes = 1024;
/** UTF-8 bytes of the JSON text of what is public of a member of a presence list. */
export const memberInfoBytes = 1024;
/** Members named in a presence list. */
export const members = 1024;
/** UTF-8 bytes in a close reason (RFC 6455, section 5.5.1: 125 less the code). */
export const closeReasonBytes = 123;
/** Bytes of the JSON header of a binary frame. */
export const binaryHeaderBytes = 4096;
/** Characters in a media type: those of office documents alone have 73. */
export const mimeLength = 256;
/** Characters in the `tracestate` of a trace context: what the specification asks to pass on at the least. */
export const tracestateLength = 512;
/** Bytes in one chunk of a large payload. */
export const chunkBytes = 65_536;
/** Chunks that may be unacknowledged in one direction of a connection. */
export const chunksUnderWay = 4;
