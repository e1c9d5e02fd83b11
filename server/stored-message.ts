import { encodeBinary, encodeEnvelope } from '../src/protocol/codec.ts';
import type { EncodedPayload, StoredMessage } from './backbone.ts';

/** The fields of a `message` envelope besides its payload. */
export interface MessageHead {
  readonly id: string;
  readonly ts: number;
  readonly topic: string;
  readonly epoch: string;
  readonly offset: number;
}

/** Encodes a message once, for its history and for all its receivers. */
export function storedMessage(fields: MessageHead, payload: EncodedPayload): StoredMessage {
  const head = { type: 'message', ...fields } as const;
  if (typeof payload !== 'string') {
    const frame = encodeBinary(head, payload);
    return { offset: fields.offset, frame, bytes: frame.byteLength };
  }
  const frame = encodeEnvelope({ head, json: payload });
  return { offset: fields.offset, frame, bytes: Buffer.byteLength(frame) };
}
