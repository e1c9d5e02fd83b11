/**
 * Text that many connections are sent, encoded and framed once. A server's frames are not masked, so that all of its peers can
 * get the very same bytes (RFC 6455, sections 5.1 and 5.2).
 */
export class SharedText {
  /** The text as one whole frame, uncompressed. */
  readonly frame: Buffer;
  /** The text in UTF-8. */
  readonly bytes: Buffer;

  constructor(text: string) {
    const size = Buffer.byteLength(text);
    const headBytes = size < 126 ? 2 : size < 65_536 ? 4 : 10;
    // Not from Node's pool: a small piece of it would keep all of it for as long as a slow peer takes.
    const frame = Buffer.allocUnsafeSlow(headBytes + size);
    frame[0] = finalText;
    if (headBytes === 2) frame[1] = size;
    else if (headBytes === 4) frame.writeUIntBE(126 * 65_536 + size, 1, 3);
    else {
      frame[1] = 127;
      frame.writeBigUInt64BE(BigInt(size), 2);
    }
    frame.write(text, headBytes);
    this.frame = frame;
    this.bytes = frame.subarray(headBytes);
  }
}

/** FIN, and the opcode of a text frame. */
const finalText = 0x81;
