// The pure part of the web's globals that the codec needs. Only worker/core/tsconfig.json includes this file:
// these two exist in every browser, worker and Node, and neither does I/O.

interface TextEncoder {
  encode(input?: string): Uint8Array<ArrayBuffer>;
}

interface TextDecoder {
  decode(input?: ArrayBuffer | ArrayBufferView): string;
}

declare const TextEncoder: { new (): TextEncoder };
declare const TextDecoder: {
  new (label?: string, options?: { fatal?: boolean; ignoreBOM?: boolean }): TextDecoder;
};
