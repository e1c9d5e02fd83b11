/**
 * Bytes that `text` takes in UTF-8. Written out because the core, which asks, has no TextEncoder; a lone
 * surrogate counts as the replacement character that an encoder would write.
 */
export function utf8Bytes(text: string): number {
  let bytes = text.length;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    if (unit < 0x80) continue;
    bytes += unit < 0x800 ? 1 : 2;
    if (unit >= 0xd800 && unit < 0xdc00 && isLowSurrogate(text.charCodeAt(index + 1))) {
      index += 1;
    }
  }
  return bytes;
}

const isLowSurrogate = (unit: number) => unit >= 0xdc00 && unit < 0xe000;

/** Whether `text` takes at most `limit` bytes in UTF-8; only a text near the limit is counted. */
export const fitsUtf8 = (text: string, limit: number): boolean =>
  text.length * 3 <= limit || (text.length <= limit && utf8Bytes(text) <= limit);
