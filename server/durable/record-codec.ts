import { crc32 } from 'node:zlib';
import { storageFailed } from './storage-failed.ts';

const text = 0;
const bytes = 1;
const headBytes = 5;

/** A record: a checksum (LMDB has none of its own), whether it is text, and the content. */
export function encodeRecord(content: string | Uint8Array): Buffer {
  const isText = typeof content === 'string';
  const length = isText ? Buffer.byteLength(content) : content.byteLength;
  const record = Buffer.allocUnsafe(headBytes + length);
  record[4] = isText ? text : bytes;
  if (isText) record.write(content, headBytes);
  else record.set(content, headBytes);
  record.writeUInt32BE(crc32(record.subarray(4)));
  return record;
}

/** The content of a record; throws where it is damaged. */
export function decodeRecord(record: Buffer): string | Uint8Array {
  if (record.length < headBytes || record.readUInt32BE() !== crc32(record.subarray(4)))
    throw storageFailed('a record is damaged');
  const content = record.subarray(headBytes);
  // A copy: what the store hands out is valid until its next read only.
  return record[4] === text ? content.toString() : new Uint8Array(content);
}
