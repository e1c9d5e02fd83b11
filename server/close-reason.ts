import * as protocolLimits from '../src/protocol/limits.ts';

/** Cuts a close reason to what a close frame holds (123 bytes of UTF-8), never inside a character. */
export function closeReason(text: string): string {
  const bytes = Buffer.from(text);
  if (bytes.byteLength <= protocolLimits.closeReasonBytes) return bytes.toString();
  let end: number = protocolLimits.closeReasonBytes;
  while (end > 0 && (bytes[end]! & 0xc0) === 0x80) end--;
  return bytes.toString('utf8', 0, end);
}
