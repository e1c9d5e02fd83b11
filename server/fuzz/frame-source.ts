import { createHash, type Hash } from 'node:crypto';
import fc from 'fast-check';
import { encodeBinary } from '../../src/protocol/codec.ts';
import { frame } from './frames.ts';
import { Random } from './random.ts';

/** A text frame, or a binary one. */
export type Frame = string | Uint8Array;

/** Frames that fast-check makes at one time. */
const poolFrames = 2000;

/** Values at which numbers break. */
const extremes = ['0', '-1', '1e309', '9007199254740992', '0.5', 'null', '""', '[]', '{}', '1'] as const;

/** Makes frames without end. The seed decides them all. */
export class FrameSource {
  readonly #random: Random;
  readonly #seed: number;
  readonly #hash: Hash = createHash('sha256');
  #pool: Frame[] = [];
  #next = 0;
  #refills = 0;
  #seq = 0;

  constructor(seed: number) {
    this.#seed = seed;
    this.#random = new Random(seed);
  }

  /** Says what has come of the seed so far: the same for the same frames. */
  get digest(): string {
    return this.#hash.copy().digest('hex');
  }

  next(): Frame {
    const made = this.#make();
    this.#hash.update(made);
    return made;
  }

  #make(): Frame {
    const choice = this.#random.next();
    if (choice < 0.3) return this.#pooled();
    if (choice < 0.5) return this.#live();
    if (choice < 0.9) return this.#mutated(this.#random.chance(0.5) ? this.#seen() : this.#live());
    if (choice < 0.95) return this.#random.bytes(this.#random.below(this.#random.chance(0.01) ? 5000 : 64));
    return this.#random.bytes(this.#random.below(64)).toString();
  }

  #pooled(): Frame {
    if (this.#next >= this.#pool.length) {
      const seed = (this.#seed + 7919 * this.#refills++) | 0;
      this.#pool = fc.sample(frame, { numRuns: poolFrames, seed });
      this.#next = 0;
    }
    return this.#pool[this.#next++]!;
  }

  /** One that can have been there before: a mutation makes it another. */
  #seen(): Frame {
    return this.#next === 0 ? this.#pooled() : this.#pool[this.#random.below(this.#next)]!;
  }

  /** What a correct client could send about now, so that sessions get somewhere. */
  #live(): Frame {
    const random = this.#random;
    const common = { id: `i${random.below(1e9)}`, ts: 1, topic: random.pick(['a', 'b', 'c']) };
    const transfer = random.pick(['x', 'y']);
    switch (random.below(10)) {
      case 0:
      case 1:
        return JSON.stringify({ type: 'subscribe', ...common, replay: random.below(3) });
      case 2:
        return JSON.stringify({ type: 'unsubscribe', ...common });
      case 3:
        return JSON.stringify({ type: 'offer', ...common, transfer, size: 70_000 });
      case 4:
        return encodeBinary(
          { type: 'chunk', id: 'k', ts: 1, transfer, at: random.pick([0, 65_536]) },
          new Uint8Array(random.pick([65_536, 4464])),
        );
      case 5:
        return JSON.stringify({
          type: 'publish',
          ...common,
          seq: ++this.#seq,
          payload: null,
          transfer: { id: transfer, size: 70_000, form: 'bytes' },
        });
      case 6:
        return JSON.stringify({
          type: 'request',
          ...common,
          method: random.pick(['echo', 'later', 'fail', 'never']),
          timeoutMs: random.below(100),
          payload: random.below(10),
        });
      case 7:
        return encodeBinary({ type: 'publish', ...common, seq: ++this.#seq }, random.bytes(random.below(20)));
      default:
        return JSON.stringify(
          Array.from({ length: 1 + random.below(4) }, () => ({
            type: 'publish',
            ...common,
            seq: ++this.#seq,
            payload: random.below(10),
          })),
        );
    }
  }

  #mutated(frame: Frame): Frame {
    const isText = typeof frame === 'string';
    let bytes: Buffer = Buffer.from(frame as string);
    for (let rounds = 1 + this.#random.below(3); rounds > 0; rounds--) bytes = this.#mutate(bytes);
    // Text as WebSocket hands it on is valid UTF-8; what is not gets replaced here.
    return isText ? bytes.toString() : bytes;
  }

  #mutate(bytes: Buffer): Buffer {
    const random = this.#random;
    const at = random.below(bytes.length + 1);
    const end = Math.min(bytes.length, at + random.below(16));
    switch (random.below(8)) {
      case 0: {
        const flipped = Buffer.from(bytes);
        if (at < flipped.length) flipped[at]! ^= 1 << random.below(8);
        return flipped;
      }
      case 1:
        return Buffer.concat([bytes.subarray(0, at), random.bytes(random.below(8)), bytes.subarray(at)]);
      case 2:
        return Buffer.concat([bytes.subarray(0, at), bytes.subarray(end)]);
      case 3:
        return bytes.subarray(0, at);
      case 4:
        return Buffer.concat([bytes.subarray(0, end), bytes.subarray(at)]);
      case 5: {
        const other = Buffer.from(this.#seen() as string);
        return Buffer.concat([bytes.subarray(0, at), other.subarray(random.below(other.length + 1))]);
      }
      case 6:
        return Buffer.from(bytes.toString().replace(/\d+/, random.pick(extremes)));
      default:
        return Buffer.from(
          bytes.toString().replace(/"(\w+)":/, `"${random.pick(['type', '__proto__', 'id', 'x'])}":`),
        );
    }
  }
}
