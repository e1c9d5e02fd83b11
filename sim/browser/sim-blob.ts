import { Realm } from '../kernel/realm.ts';

/** What reading takes, by who reads. */
const delays = new WeakMap<Realm, () => number>();

/** Says what it takes a realm to read a Blob. */
export const mountBlobs = (realm: Realm, delayMs: () => number): void => void delays.set(realm, delayMs);

/**
 * Stands for Blob, whose bytes Node reads outside of all virtual time. Like the real one it keeps what it was given by
 * reference where that cannot change, so that a slice and a clone cost nothing.
 */
export class SimBlob {
  readonly size: number;
  readonly type: string;
  readonly #pieces: readonly Uint8Array[];

  constructor(parts: readonly unknown[] = [], { type = '' }: { readonly type?: string } = {}) {
    this.#pieces = parts.flatMap(piecesOf);
    this.size = this.#pieces.reduce((sum, { byteLength }) => sum + byteLength, 0);
    this.type = type.toLowerCase();
  }

  slice(begin = 0, end = this.size, type = ''): SimBlob {
    const pieces: Piece[] = [];
    let at = 0;
    for (const piece of this.#pieces) {
      const part = piece.subarray(Math.max(0, begin - at), Math.max(0, end - at));
      if (part.byteLength > 0) pieces.push(new Piece(part));
      at += piece.byteLength;
    }
    return new SimBlob(pieces, { type });
  }

  arrayBuffer(): Promise<ArrayBuffer> {
    return this.#read(() => this.peek().buffer);
  }

  text(): Promise<string> {
    return this.#read(() => Buffer.from(this.peek().buffer).toString());
  }

  static piecesOf(blob: SimBlob): readonly Uint8Array[] {
    return blob.#pieces;
  }

  /** A copy of all bytes at once, for whoever checks them. */
  peek(): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(this.size);
    let at = 0;
    for (const piece of this.#pieces) {
      bytes.set(piece, at);
      at += piece.byteLength;
    }
    return bytes;
  }

  /** Reading takes its time, and ends with whoever reads. */
  #read<T>(get: () => T): Promise<T> {
    const realm = Realm.current!;
    return new Promise((resolve) => void realm.after(delays.get(realm)?.() ?? 0, () => resolve(get())));
  }
}

/** What a part of a new Blob is made of: what can still change is copied. */
function piecesOf(part: unknown): readonly Uint8Array[] {
  if (part instanceof Piece) return [part.bytes];
  if (part instanceof SimBlob) return SimBlob.piecesOf(part);
  if (typeof part === 'string') return [Buffer.from(part)];
  if (part instanceof ArrayBuffer) return [new Uint8Array(part.slice(0))];
  if (ArrayBuffer.isView(part)) {
    return [new Uint8Array(part.buffer, part.byteOffset, part.byteLength).slice()];
  }
  throw new TypeError('no part of a Blob');
}

/** A part of another Blob, which cannot change. */
class Piece {
  readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }
}
