import * as protocolLimits from '../src/protocol/limits.ts';
import type { ClientMessage } from '../src/protocol/schema.ts';
import type { StoredMessage } from './backbone.ts';
import type { Chunk } from './chunk.ts';
import type { ServerContext } from './context.ts';
import type { Cursor } from './cursor.ts';
import { withDeadline } from './guard.ts';
import { chunkAt, frameAt } from './large-payload.ts';
import * as serverLimits from './limits.ts';
import { isPromise, settle } from './maybe-promise.ts';
import type { Outbound } from './outbound.ts';
import type { Transport } from './transport.ts';

/** What downloads need of their session. */
export interface DownloadOwner {
  readonly context: ServerContext;
  readonly transport: Transport;
  readonly outbound: Outbound;
  /** There is something to send. */
  request(): void;
  /** A history cannot be read. */
  failed(reason: unknown): void;
}

/** A large message on its way to the client: the message has been sent, its chunks follow. */
interface Download {
  readonly cursor: Cursor;
  readonly id: string;
  readonly size: number;
  /** Bytes that have been sent. */
  sent: number;
  /** Where the chunks end that are not acknowledged. */
  readonly unacknowledged: number[];
}

/**
 * Sends large messages to one connection, a chunk of each in turn. It holds none of them: each chunk is read from
 * the history, so that a client that stalls keeps nothing in memory. What falls off the history meanwhile is a gap.
 */
export class Downloads {
  readonly #owner: DownloadOwner;
  /** Lets a cursor read on. */
  readonly #resume: (cursor: Cursor) => void;
  /** By transfer, until the last chunk is acknowledged. */
  readonly #byId = new Map<string, Download>();
  /** Those with chunks to send, in the order of their turns. */
  readonly #turns = new Set<Download>();
  readonly #reading = new Set<Download>();
  /** Cursors in front of a large message, while there is no room for another. */
  readonly #waiting = new Set<Cursor>();
  /** Cursors that do not move until their large message is sent. */
  readonly #held = new Set<Cursor>();
  #unacknowledged = 0;

  constructor(owner: DownloadOwner, resume: (cursor: Cursor) => void) {
    this.#owner = owner;
    this.#resume = resume;
  }

  /** Whether no large message is under way. */
  get isIdle(): boolean {
    return this.#byId.size === 0 && this.#held.size === 0 && this.#waiting.size === 0;
  }

  /** Whether a cursor waits for the end of a large message, or for the beginning of one. */
  holds(cursor: Cursor): boolean {
    return this.#held.has(cursor) || this.#waiting.has(cursor);
  }

  /** Sends a large message without its chunks; false where the cursor has to wait for another one. */
  begin(cursor: Cursor, message: StoredMessage): boolean {
    if (this.#held.size >= serverLimits.downloads) {
      this.#waiting.add(cursor);
      return false;
    }
    const { id, size } = message.large!;
    const { partial } = cursor;
    const received = partial?.offset === message.offset ? partial.received : 0;
    const sent = received > size ? 0 : received;
    cursor.partial = undefined;
    this.#owner.transport.sendText(frameAt(message, sent));
    const download = { cursor, id, size, sent, unacknowledged: [] };
    this.#byId.set(id, download);
    this.#held.add(cursor);
    if (sent < size) this.#turns.add(download);
    else this.#finish(download);
    return true;
  }

  /** The cursor is done with: so is what it has under way, and nobody need acknowledge that. */
  remove(cursor: Cursor): void {
    this.#waiting.delete(cursor);
    for (const download of this.#byId.values()) if (download.cursor === cursor) this.#drop(download);
    this.#release(cursor);
  }

  /** Takes an acknowledgement. One for what is not under way is late, and has no effect. */
  received({ transfer, received }: ClientMessage<'chunk-ack'>): void {
    const download = this.#byId.get(transfer);
    if (!download || received > download.sent) return;
    while (download.unacknowledged[0]! <= received) {
      download.unacknowledged.shift();
      this.#unacknowledged--;
    }
    this.#forgetDone(download);
    if (this.#turns.size > 0) this.#owner.request();
  }

  /** Whether chunks wait for room in the socket. */
  get hasOutput(): boolean {
    return this.#turns.size > 0 && this.#credit > 0;
  }

  /** With nothing under way, one chunk goes even behind a flood of other messages, so that it cannot stop for ever. */
  runFirst(): void {
    if (this.#unacknowledged > 0 || !this.hasOutput) return;
    const { transport, context } = this.#owner;
    if (transport.bufferedAmount < context.limits.bufferedBytes) this.#next();
  }

  /** Sends chunks while there is room. */
  run(): void {
    const { transport, context } = this.#owner;
    const most = Math.min(serverLimits.chunkBufferedBytes, context.limits.bufferedBytes);
    while (this.hasOutput && transport.bufferedAmount < most) this.#next();
  }

  get #credit(): number {
    return protocolLimits.chunksUnderWay - this.#unacknowledged - this.#reading.size;
  }

  #next(): void {
    const [download] = this.#turns;
    this.#turns.delete(download!);
    const { feed, offset } = download!.cursor;
    const chunk = withDeadline(feed.read(offset), this.#owner.context.hookDeadline);
    if (!isPromise(chunk)) return this.#send(download!, chunk);
    this.#reading.add(download!);
    settle(
      chunk,
      (read) => {
        if (!this.#reading.delete(download!)) return;
        this.#send(download!, read);
        this.#owner.request();
      },
      (reason: unknown) => {
        this.#reading.delete(download!);
        this.#owner.failed(reason);
      },
    );
  }

  #send(download: Download, { epoch, parts }: Chunk): void {
    const { cursor, id, sent, size, unacknowledged } = download;
    const message = parts[0]?.large;
    if (epoch !== cursor.epoch || message?.large?.id !== id) {
      this.#drop(download);
      return this.#release(cursor);
    }
    const bytes = chunkAt(message.large, sent);
    download.sent += bytes.byteLength;
    unacknowledged.push(download.sent);
    this.#unacknowledged++;
    this.#owner.outbound.sendChunk(id, sent, bytes);
    if (download.sent < size) this.#turns.add(download);
    else this.#finish(download);
  }

  /** All chunks are sent: the next message of the topic may follow. */
  #finish(download: Download): void {
    download.cursor.offset++;
    this.#forgetDone(download);
    this.#release(download.cursor);
  }

  #forgetDone({ id, sent, size, unacknowledged }: Download): void {
    if (sent === size && unacknowledged.length === 0) this.#byId.delete(id);
  }

  #drop(download: Download): void {
    this.#unacknowledged -= download.unacknowledged.length;
    this.#byId.delete(download.id);
    this.#turns.delete(download);
    this.#reading.delete(download);
  }

  #release(cursor: Cursor): void {
    if (!this.#held.delete(cursor)) return;
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    // Those that waited have the next turn.
    for (const each of [...waiting, cursor]) this.#resume(each);
  }
}
