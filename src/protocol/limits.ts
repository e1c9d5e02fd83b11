/** Bounds of the wire protocol. A peer that sends more than these has violated it. */
export const protocolLimits = {
  /** Characters in an envelope id. */
  idLength: 64,
  /** Characters in a topic name. */
  topicLength: 256,
  /** Characters in a request method. */
  methodLength: 128,
  /** Characters in a token. */
  tokenLength: 8192,
  /** Characters in a human-readable message or reason. */
  reasonLength: 1024,
  /** Characters in an error or feature name, and in a topic epoch. */
  nameLength: 64,
  /** Envelopes in one text frame. */
  batchEnvelopes: 1024,
  /** Versions or features offered in a hello. */
  offers: 32,
  /** Nacks repeated in a welcome. */
  rejected: 1024,
  /** UTF-8 bytes in a close reason (RFC 6455, section 5.5.1: 125 less the code). */
  closeReasonBytes: 123,
  /** Bytes of the JSON header of a binary frame. */
  binaryHeaderBytes: 4096,
} as const;
