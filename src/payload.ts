import { failure } from './failure.ts';

/** A payload as it travels: JSON text, which costs no clone per hop, or bytes. */
export type EncodedPayload = { readonly json: string } | { readonly bytes: ArrayBuffer };

/** Encodes a JSON value, an ArrayBuffer or a view. Throws a ConnectionError `invalid-payload` for anything else. */
export function encodePayload(payload: unknown): EncodedPayload {
  if (ArrayBuffer.isView(payload)) {
    return { bytes: new Uint8Array(payload.buffer, payload.byteOffset, payload.byteLength).slice().buffer };
  }
  if (payload instanceof ArrayBuffer) return { bytes: payload.slice() };
  let json: string | undefined;
  let cause: unknown = typeof payload;
  try {
    json = JSON.stringify(payload);
  } catch (error) {
    cause = error;
  }
  if (json === undefined)
    throw failure('invalid-payload', `the payload is not JSON: ${String(cause)}`, cause);
  return { json };
}

/** The value of an encoded payload; undefined where there was none. */
export const decodePayload = ({
  json,
  bytes,
}: {
  readonly json?: string;
  readonly bytes?: ArrayBuffer;
}): unknown => (json ? JSON.parse(json) : bytes);
