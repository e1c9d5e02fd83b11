import { fitsUtf8 } from '../src/protocol/utf8.ts';
import { ConnectionError, errorData } from '../src/protocol/errors.ts';
import * as protocolLimits from '../src/protocol/limits.ts';
import type { EncodedPayload, LargePayload } from './backbone.ts';
import { partsOf } from './large-payload.ts';
import type { ServerLimits } from './limits.ts';
import type { MaybePromise } from './maybe-promise.ts';

/** Checks a topic name; throws `invalid-option`. */
export function checkTopic(topic: unknown): void {
  if (typeof topic === 'string' && topic !== '' && topic.length <= protocolLimits.topicLength) return;
  const message = `a topic must be a string of 1 to ${protocolLimits.topicLength} characters`;
  throw new ConnectionError(errorData('invalid-option', message));
}

/** What the encoding of a payload needs to know. */
export interface EncodingParts {
  readonly limits: Pick<ServerLimits, 'messageBytes' | 'transferBytes'>;
  /** Names large payloads. */
  readonly randomId: () => string;
}

/** Encodes a payload of the app's back end; throws `invalid-payload` or `too-large`. */
export function encodePayload(payload: unknown, parts: EncodingParts): MaybePromise<EncodedPayload> {
  if (payload instanceof Blob) return encodeBlob(payload, parts);
  const encoded = payload instanceof ArrayBuffer ? new Uint8Array(payload) : payload;
  if (encoded instanceof Uint8Array) {
    if (encoded.byteLength <= protocolLimits.chunkBytes) return checked(encoded, encoded.byteLength, parts);
    // A copy, for the app may go on to write into its own.
    checkSize(encoded.byteLength, parts.limits.transferBytes);
    return largeOf('bytes', new Uint8Array(encoded), parts);
  }
  const json = toJson(encoded);
  if (fitsUtf8(json, protocolLimits.chunkBytes)) return checked(json, Buffer.byteLength(json), parts);
  checkSize(Buffer.byteLength(json), parts.limits.transferBytes);
  return largeOf('json', Buffer.from(json), parts);
}

async function encodeBlob(blob: Blob, { limits, randomId }: EncodingParts): Promise<LargePayload> {
  const { size, type } = blob;
  checkSize(size, limits.transferBytes);
  const parts: Uint8Array[] = [];
  for (let at = 0; at < size; at += protocolLimits.chunkBytes) {
    const end = Math.min(at + protocolLimits.chunkBytes, size);
    parts.push(new Uint8Array(await blob.slice(at, end).arrayBuffer()));
  }
  const mime = type === '' || type.length > protocolLimits.mimeLength ? undefined : type;
  return { id: randomId(), size, form: 'blob', mime, parts };
}

const largeOf = (form: 'json' | 'bytes', bytes: Uint8Array, { randomId }: EncodingParts): LargePayload => ({
  id: randomId(),
  size: bytes.byteLength,
  form,
  parts: partsOf(bytes),
});

function checked<P>(payload: P, bytes: number, { limits }: EncodingParts): P {
  checkSize(bytes, limits.messageBytes);
  return payload;
}

function checkSize(bytes: number, maxBytes: number): void {
  if (bytes > maxBytes) throw tooLarge(maxBytes);
}

function toJson(payload: unknown): string {
  let cause: unknown;
  try {
    const json = JSON.stringify(payload);
    if (json !== undefined) return json;
  } catch (reason) {
    cause = reason;
  }
  throw new ConnectionError(errorData('invalid-payload', 'the payload is neither JSON nor bytes'), { cause });
}

const tooLarge = (maxBytes: number): ConnectionError =>
  new ConnectionError(errorData('too-large', `the payload is larger than ${maxBytes} bytes`));
