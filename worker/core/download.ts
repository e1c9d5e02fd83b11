import type { ServerMessage } from '../../src/protocol/schema.ts';
import type { Position } from './hub-api.ts';
import type { Large, LargeContent } from './payload-types.ts';
import * as coreLimits from './limits.ts';

/** Makes one content of parts. Cheap: nothing is read. */
export type Join = (parts: readonly (Uint8Array | LargeContent)[], mime?: string) => LargeContent;

type LargeMessage = ServerMessage<'message'> & {
  readonly transfer: NonNullable<ServerMessage<'message'>['transfer']>;
};

/** Whether the content of a message follows in chunks. */
export const isLarge = (message: ServerMessage<'message'>): message is LargeMessage => !!message.transfer;

/** A large message as far as it has come. It outlives connections. */
export class Download {
  readonly #message: LargeMessage;
  readonly #parts: (Uint8Array | LargeContent)[] = [];
  /** Parts at the end that are not joined. */
  #loose = 0;
  received = 0;
  /** The name under which the chunks come on this connection. */
  transfer: string;

  constructor(message: LargeMessage) {
    this.#message = message;
    this.transfer = message.transfer.id;
  }

  get message(): LargeMessage {
    return this.#message;
  }

  get isComplete(): boolean {
    return this.received === this.#message.transfer.size;
  }

  /** In parts of the whole, as progress is told. */
  get step(): number {
    return Math.floor((this.received / this.#message.transfer.size) * coreLimits.progressSteps);
  }

  /** Whether the message, which comes again, goes on where this one is. */
  resumes({ epoch, offset, transfer: { at, size } }: LargeMessage): boolean {
    const { message } = this;
    return (
      message.epoch === epoch &&
      message.offset === offset &&
      message.transfer.size === size &&
      at === this.received
    );
  }

  /** Whether it is the message after a position. */
  follows({ epoch, offset }: Position): boolean {
    return this.#message.epoch === epoch && this.#message.offset === offset + 1;
  }

  /** Takes the next part; one that is not is ignored. */
  take(at: number, bytes: Uint8Array, join: Join): void {
    if (at !== this.received || at + bytes.byteLength > this.#message.transfer.size) return;
    this.#parts.push(bytes);
    this.received += bytes.byteLength;
    this.#loose += 1;
    if (this.#loose < coreLimits.joinedChunks) return;
    // The browser keeps what it is given at once on its disk, if it is much.
    this.#parts.push(join(this.#parts.splice(-this.#loose)));
    this.#loose = 0;
  }

  /** All of it. */
  content(join: Join): Large {
    const { form, mime } = this.#message.transfer;
    const blob = join(this.#parts, form === 'blob' ? mime : undefined);
    return mime === undefined ? { blob, form } : { blob, form, mime };
  }
}
