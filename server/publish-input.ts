import { fitsUtf8 } from '../src/protocol/utf8.ts';
import { ConnectionError, errorData } from '../src/protocol/errors.ts';
import * as protocolLimits from '../src/protocol/limits.ts';
import type { EncodedPayload } from './backbone.ts';

/** Checks a topic name; throws `invalid-option`. */
export function checkTopic(topic: unknown): void {
  if (typeof topic === 'string' && topic !== '' && topic.length <= protocolLimits.topicLength) return;
  const message = `a topic must be a string of 1 to ${protocolLimits.topicLength} characters`;
  throw new ConnectionError(errorData('invalid-option', message));
}

/** Encodes a payload of the app's back end; throws `invalid-payload` or `too-large`. */
export function encodePayload(payload: unknown, maxBytes: number): EncodedPayload {
  const encoded = payload instanceof ArrayBuffer ? new Uint8Array(payload) : payload;
  if (encoded instanceof Uint8Array) {
    if (encoded.byteLength > maxBytes) throw tooLarge(maxBytes);
    return encoded;
  }
  const json = toJson(encoded);
  if (!fitsUtf8(json, maxBytes)) throw tooLarge(maxBytes);
  return json;
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
