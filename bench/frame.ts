/** What a client writes as one WebSocket text message, masked with zeros (RFC 6455, section 5.2). `text` is ASCII. */
export function textFrame(text: string): Buffer {
  const { length } = text;
  if (length < 126) return framed(6, length, length, () => {}, text);
  if (length < 65_536) return framed(8, 126, length, (head) => head.writeUInt16BE(length, 2), text);
  return framed(14, 127, length, (head) => head.writeBigUInt64BE(BigInt(length), 2), text);
}

function framed(
  headBytes: number,
  lengthCode: number,
  length: number,
  writeLength: (head: Buffer) => void,
  text: string,
): Buffer {
  const frame = Buffer.alloc(headBytes + length);
  frame[0] = 0x81;
  frame[1] = 0x80 | lengthCode;
  writeLength(frame);
  frame.write(text, headBytes, 'latin1');
  return frame;
}
