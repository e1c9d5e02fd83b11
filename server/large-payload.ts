import * as protocolLimits from '../src/protocol/limits.ts';
import { encodeBinary, encodeEnvelope } from '../src/protocol/codec.ts';
import type { ServerMessage } from '../src/protocol/schema.ts';
import type { EncodedPayload, LargePayload, StoredMessage } from './backbone.ts';

/** True for a payload in parts. */
export const isLarge = (payload: EncodedPayload): payload is LargePayload =>
  typeof payload === 'object' && 'parts' in payload;

/** Bytes of a payload; for text, at least a third of them. */
export const payloadSize = (payload: EncodedPayload): number =>
  isLarge(payload) ? payload.size : payload.length;

/** Parts as a {@link LargePayload} has them. They are views: nothing is copied. */
export function partsOf(bytes: Uint8Array): Uint8Array[] {
  const parts: Uint8Array[] = [];
  for (let at = 0; at < bytes.byteLength; at += protocolLimits.chunkBytes)
    parts.push(bytes.subarray(at, at + protocolLimits.chunkBytes));
  return parts;
}

/** The bytes of the chunk that begins at `at`, without a copy; it ends where its part ends. */
export function chunkAt({ parts }: LargePayload, at: number): Uint8Array {
  const part = parts[Math.floor(at / protocolLimits.chunkBytes)]!;
  return part.subarray(at % protocolLimits.chunkBytes);
}

/** The `message` envelope of a large message, with its chunks to begin at `at`. */
export function frameAt({ frame }: StoredMessage, at: number): string {
  if (at === 0) return frame as string;
  const message = JSON.parse(frame as string) as ServerMessage<'message'>;
  return JSON.stringify({ ...message, transfer: { ...message.transfer, at } });
}

/**
 * A large message in one frame, for a client that knows no chunks. Nobody has looked into its content before:
 * what claims to be JSON and is not goes as bytes, for it must not reach into the envelope.
 */
export function wholeFrame({ frame, large }: StoredMessage): string | Uint8Array {
  const { transfer: _, payload: __, ...head } = JSON.parse(frame as string) as ServerMessage<'message'>;
  const bytes = Buffer.concat(large!.parts);
  const json = large!.form === 'json' ? jsonIn(bytes) : undefined;
  return json === undefined ? encodeBinary(head, bytes) : encodeEnvelope({ head, json });
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

function jsonIn(bytes: Uint8Array): string | undefined {
  try {
    const json = utf8.decode(bytes);
    JSON.parse(json);
    return json;
  } catch {
    return undefined;
  }
}
