import type { HistorySlice, StoredMessage } from './backbone.ts';
import { SharedText } from './shared-text.ts';

/** Consecutive messages that can travel in one frame: a run of text, or a single binary or large message. */
export class ChunkPart {
  readonly messages: readonly StoredMessage[];
  readonly #joined = new Map<number, SharedText>();

  constructor(messages: readonly StoredMessage[]) {
    this.messages = messages;
  }

  /** The message, where it is a large one. */
  get large(): StoredMessage | undefined {
    const message = this.messages[0]!;
    return message.large && message;
  }

  /** The binary frame, where this is a binary message. */
  get binary(): Uint8Array | undefined {
    const frame = this.messages[0]!.frame;
    return typeof frame === 'string' ? undefined : frame;
  }

  /**
   * The first `count` messages as one text frame. It is made once: connections at the same position get the very same
   * bytes, which is what makes a fan-out cheap.
   */
  text(count: number): SharedText {
    const known = this.#joined.get(count);
    if (known) return known;
    const texts = this.messages.slice(0, count).map((message) => message.frame as string);
    const joined = new SharedText(count === 1 ? texts[0]! : `[${texts.join(',')}]`);
    this.#joined.set(count, joined);
    return joined;
  }
}

/** A part of a history on its way to any number of connections. */
export interface Chunk {
  readonly epoch: string;
  readonly oldest: number;
  readonly parts: readonly ChunkPart[];
}

/** Splits a slice of a history into parts that travel in one frame each. */
export function chunkOf({ epoch, oldest, messages }: HistorySlice): Chunk {
  const parts: ChunkPart[] = [];
  let run: StoredMessage[] = [];
  const endRun = () => {
    if (run.length > 0) parts.push(new ChunkPart(run));
    run = [];
  };
  for (const message of messages) {
    if (typeof message.frame === 'string' && !message.large) {
      run.push(message);
    } else {
      endRun();
      parts.push(new ChunkPart([message]));
    }
  }
  endRun();
  return { epoch, oldest, parts };
}
