import { fieldsViolation, isRecord, type Fields } from './field.ts';
import * as protocolLimits from './limits.ts';
import type { FrameBounds, Outgoing } from './outgoing.ts';
import { clientSchema } from './client-schema.ts';
import { common } from './common-fields.ts';
import type { ClientEnvelope, ServerEnvelope } from './schema.ts';
import { serverSchema } from './server-schema.ts';
import { utf8Bytes } from './utf8.ts';

/** What a frame held: its envelopes in order, or why it is refused. */
export type Decoded<E> = { readonly envelopes: readonly E[] } | { readonly violation: string };

/** First byte of every binary frame. */
const binaryMagic = 1;
/** Magic byte and header length (unsigned, 32 bits, big-endian) in front of the header. */
const binaryPrefixBytes = 5;

const utf8Encoder = new TextEncoder();
const utf8Decoder = new TextDecoder('utf-8', { fatal: true });

/** Decodes and checks a frame that a client sent. */
export const decodeClientFrame = (data: string | Uint8Array): Decoded<ClientEnvelope> =>
  decodeFrame(data, clientSchema);

/** Decodes and checks a frame that a server sent. */
export const decodeServerFrame = (data: string | Uint8Array): Decoded<ServerEnvelope> =>
  decodeFrame(data, serverSchema);

type Schema = { readonly [type: string]: Fields };

function decodeFrame<E>(data: string | Uint8Array, schema: Schema): Decoded<E> {
  return typeof data === 'string' ? decodeText(data, schema) : decodeBinary(data, schema);
}

function decodeText<E>(text: string, schema: Schema): Decoded<E> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return { violation: 'the frame is not JSON' };
  }
  const batch = Array.isArray(parsed) ? parsed : [parsed];
  if (batch.length === 0 || batch.length > protocolLimits.batchEnvelopes) {
    return { violation: `a batch has 1 to ${protocolLimits.batchEnvelopes} envelopes` };
  }
  for (const envelope of batch) {
    const found = envelopeViolation(envelope, schema);
    if (found) return { violation: found };
  }
  return { envelopes: batch as E[] };
}

function decodeBinary<E>(data: Uint8Array, schema: Schema): Decoded<E> {
  const { byteLength } = data;
  const headerBytes =
    byteLength < binaryPrefixBytes ? 0 : new DataView(data.buffer, data.byteOffset).getUint32(1);
  const payloadAt = binaryPrefixBytes + headerBytes;
  if (data[0] !== binaryMagic || headerBytes > protocolLimits.binaryHeaderBytes || payloadAt > byteLength) {
    return { violation: 'the binary frame has no valid prefix' };
  }
  let head: unknown;
  try {
    head = JSON.parse(utf8Decoder.decode(data.subarray(binaryPrefixBytes, payloadAt)));
  } catch {
    // Told below, like a header that is JSON but no object.
  }
  if (!isRecord(head) || !carriesBytes(head, schema)) {
    return { violation: 'the binary header is not an envelope that can carry bytes' };
  }
  const envelope = { ...head, payload: data.subarray(payloadAt) };
  const found = envelopeViolation(envelope, schema);
  return found ? { violation: found } : { envelopes: [envelope as E] };
}

function carriesBytes(head: Record<string, unknown>, schema: Schema): boolean {
  const type = head['type'];
  return typeof type === 'string' && Object.hasOwn(schema, type) && schema[type]!['payload']?.kind === 'json';
}

function envelopeViolation(envelope: unknown, schema: Schema): string | undefined {
  if (!isRecord(envelope)) return 'an envelope must be an object';
  const type = envelope['type'];
  if (typeof type !== 'string' || !Object.hasOwn(schema, type)) {
    return `unknown envelope type ${quoted(type)}`;
  }
  return fieldsViolation(common, envelope, type) ?? fieldsViolation(schema[type]!, envelope, type);
}

/** A type as a violation quotes it. What is no string may be nested too deeply, or have no text at all. */
const quoted = (type: unknown): string =>
  typeof type === 'string'
    ? JSON.stringify(type.slice(0, protocolLimits.nameLength))
    : `of kind ${typeof type}`;

/** One envelope as JSON text. */
export function encodeEnvelope(outgoing: Outgoing): string {
  const head = JSON.stringify(outgoing.head);
  return outgoing.json === undefined ? head : `${head.slice(0, -1)},"payload":${outgoing.json}}`;
}

/** One envelope with raw bytes as a binary frame: magic, header length, header in JSON, bytes. */
export function encodeBinary(head: object, bytes: ArrayBuffer | Uint8Array): Uint8Array<ArrayBuffer> {
  const start = encodeBinaryHead(head);
  const frame = new Uint8Array(start.byteLength + bytes.byteLength);
  frame.set(start);
  frame.set(bytes instanceof Uint8Array ? bytes : new Uint8Array(bytes), start.byteLength);
  return frame;
}

/** What goes in front of the bytes of a binary frame. */
export function encodeBinaryHead(head: object): Uint8Array<ArrayBuffer> {
  const header = utf8Encoder.encode(JSON.stringify(head));
  const start = new Uint8Array(binaryPrefixBytes + header.byteLength);
  start[0] = binaryMagic;
  new DataView(start.buffer).setUint32(1, header.byteLength);
  start.set(header, binaryPrefixBytes);
  return start;
}

/**
 * Packs envelopes that are JSON text already into as few text frames as the bounds allow, in order. An
 * envelope that is alone too large gets a frame of its own: refusing it is the caller's business.
 */
export function packFrames(envelopes: readonly string[], bounds: FrameBounds): string[] {
  const frames: string[] = [];
  let batch: string[] = [];
  let bytes = 2;
  const close = () => {
    if (batch.length > 0) frames.push(batch.length === 1 ? batch[0]! : `[${batch.join(',')}]`);
    batch = [];
    bytes = 2;
  };
  // A character takes at most three bytes: what fits by that is not counted.
  const most = envelopes.reduce((sum, { length }) => sum + 3 * length + 1, bytes);
  const isSmall = most <= bounds.maxFrameBytes;
  for (const envelope of envelopes) {
    const size = isSmall ? 0 : utf8Bytes(envelope) + 1;
    if (batch.length >= bounds.maxBatch || bytes + size > bounds.maxFrameBytes) close();
    batch.push(envelope);
    bytes += size;
  }
  close();
  return frames;
}
