import type { Large } from '../worker/core/payload-types.ts';
import { failure } from './failure.ts';
import * as protocolLimits from './protocol/limits.ts';
import { fitsUtf8 } from './protocol/utf8.ts';

/** A payload as it travels: JSON text, which costs no clone per hop, or bytes. */
export type EncodedPayload = { readonly json: string } | { readonly bytes: ArrayBuffer };

/** Encodes a JSON value, an ArrayBuffer or a view. Throws a ConnectionError `invalid-payload` for anything else. */
export function encodePayload(payload: unknown): EncodedPayload {
  if (ArrayBuffer.isView(payload)) {
    return { bytes: new Uint8Array(payload.buffer, payload.byteOffset, payload.byteLength).slice().buffer };
  }
  if (payload instanceof ArrayBuffer) return { bytes: payload.slice() };
  let json: string | undefined;
  let cause: unknown = payload instanceof Blob ? 'a Blob' : typeof payload;
  try {
    // A Blob would become an empty object.
    if (!(payload instanceof Blob)) json = JSON.stringify(payload);
  } catch (error) {
    cause = error;
  }
  if (json === undefined)
    throw failure('invalid-payload', `the payload is not JSON: ${String(cause)}`, cause);
  return { json };
}

/**
 * Encodes what is published: a Blob, and a JSON text or bytes larger than a chunk, is large. What is volatile is always
 * in one frame, and so no Blob. Throws a ConnectionError `invalid-payload`.
 */
export function encodeContent(
  payload: unknown,
  isVolatile: boolean,
): EncodedPayload | { readonly large: Large } {
  const { chunkBytes, mimeLength } = protocolLimits;
  if (isVolatile) return encodePayload(payload);
  if (payload instanceof Blob) {
    const { type } = payload;
    const isUsable = type && type.length <= mimeLength;
    return {
      large: isUsable ? { blob: payload, form: 'blob', mime: type } : { blob: payload, form: 'blob' },
    };
  }
  const isBytes = payload instanceof ArrayBuffer || ArrayBuffer.isView(payload);
  if (isBytes && payload.byteLength > chunkBytes) {
    return { large: { blob: new Blob([payload as ArrayBuffer]), form: 'bytes' } };
  }
  const encoded = encodePayload(payload);
  if (!('json' in encoded) || fitsUtf8(encoded.json, chunkBytes)) return encoded;
  return { large: { blob: new Blob([encoded.json]), form: 'json' } };
}

/** Reads what was published. */
export async function readContent({ blob, form }: Large): Promise<unknown> {
  const content = blob as Blob;
  if (form === 'blob') return content;
  if (form === 'json') {
    try {
      return JSON.parse(await content.text());
    } catch {
      // Nobody on the way has looked whether it is JSON.
    }
  }
  return content.arrayBuffer();
}

/** The value of an encoded payload; undefined where there was none. */
export const decodePayload = ({
  json,
  bytes,
}: {
  readonly json?: string;
  readonly bytes?: ArrayBuffer;
}): unknown => (json ? JSON.parse(json) : bytes);
