import { SimBlob } from '../browser/sim-blob.ts';
import type { Publication } from '../../server/backbone.ts';
import type { Random } from '../kernel/random.ts';
import * as simLimits from '../limits.ts';

/** The content of a publish, as far as it follows from its page and number: nobody has to keep it. */
export interface Content {
  readonly form: 'json' | 'bytes' | 'blob';
  /** Bytes; of a string, characters. */
  readonly size: number;
  /** Its first character, as a place in the alphabet. */
  readonly tint: number;
}

/** Letters, for text that is its own UTF-8 and its own JSON. */
const alphabet = 'abcdefghijklmnopqrstuvwxyz';
const quote = 0x22;

/** Any content, of sizes on either side of what fits in a chunk. */
export function contentOf(random: Random, tint: number): Content {
  const form = random.pick(['json', 'bytes', 'blob'] as const);
  return { form, size: random.pick(simLimits.contentSizes), tint };
}

/** The payload that a page publishes. */
export function payloadOf({ form, size, tint }: Content, mime: string): unknown {
  const letters: string[] = [];
  for (let block = 0; block * simLimits.contentBlock < size; block += 1) {
    letters.push(letterAt(tint, block).repeat(simLimits.contentBlock));
  }
  const text = letters.join('').slice(0, size);
  if (form === 'json') return text;
  const bytes = new Uint8Array(Buffer.from(text));
  return form === 'bytes' ? bytes.buffer : new Blob([bytes], { type: mime });
}

/** What a subscriber got instead of a content; null if it is right. */
export function faultOfMessage(content: Content, payload: unknown): string | null {
  if (content.form === 'json') {
    return typeof payload === 'string' ? faultOf(content, [Buffer.from(payload)]) : typeof payload;
  }
  if (content.form === 'bytes') {
    return payload instanceof ArrayBuffer ? faultOf(content, [new Uint8Array(payload)]) : typeof payload;
  }
  return payload instanceof SimBlob ? faultOf(content, [payload.peek()]) : typeof payload;
}

/** What a server got instead of a content; null if it is right. */
export function faultOfPublication(content: Content, payload: Publication['payload']): string | null {
  if (typeof payload === 'string') return faultOf(content, [Buffer.from(payload.slice(1, -1))]);
  if (payload instanceof Uint8Array) return faultOf(content, [payload]);
  const { form, size, parts } = payload;
  if (form !== content.form) return form;
  const sum = parts.reduce((bytes, { byteLength }) => bytes + byteLength, 0);
  if (sum !== size) return `${sum} bytes in the parts of ${size}`;
  if (form !== 'json') return faultOf(content, parts);
  const [first, last] = [parts[0], parts.at(-1)];
  if (first?.[0] !== quote || last?.at(-1) !== quote) return 'no string';
  return faultOf(content, [Buffer.concat(parts).subarray(1, -1)]);
}

/** Looks at the first and the last byte of all, and of each block. */
function faultOf({ size, tint }: Content, parts: readonly Uint8Array[]): string | null {
  const bytes = parts.length === 1 ? parts[0]! : Buffer.concat(parts);
  if (bytes.byteLength !== size) return `${bytes.byteLength} bytes instead of ${size}`;
  for (let begin = 0; begin < size; begin += simLimits.contentBlock) {
    const letter = letterAt(tint, begin / simLimits.contentBlock).charCodeAt(0);
    const end = Math.min(size, begin + simLimits.contentBlock) - 1;
    if (bytes[begin] !== letter || bytes[end] !== letter) return `other bytes from ${begin} on`;
  }
  return null;
}

const letterAt = (tint: number, block: number): string => alphabet[(tint + block) % alphabet.length]!;
