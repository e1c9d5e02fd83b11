import type { ClientMessage } from '../src/protocol/schema.ts';
import type { StoredMessage } from './backbone.ts';
import type { Chunk, ChunkPart } from './chunk.ts';
import type { Cursor } from './cursor.ts';
import { Downloads, type DownloadOwner } from './downloads.ts';
import { withDeadline } from './guard.ts';
import { wholeFrame } from './large-payload.ts';
import { isPromise, settle } from './maybe-promise.ts';
import type { ConnectionStage } from './sight/measures.ts';

/** What a pump needs of its session. */
export interface PumpOwner extends DownloadOwner {
  /** Messages and gaps that may be under way without a `received`. */
  readonly window: number;
  /** Whether large messages travel in chunks; otherwise each is one frame. */
  readonly chunks: boolean;
  reached(stage: ConnectionStage): void;
}

/**
 * Sends messages to one connection: from the histories, topic by topic in turn, as long as the client's
 * window and the socket have room.
 */
export class Pump {
  readonly #owner: PumpOwner;
  /** Cursors with something to send, in the order of their turns. Made when one has to wait for the first time. */
  #ready: Set<Cursor> | undefined;
  #reading: Set<Cursor> | undefined;
  /** Made for the first large message. */
  #downloads: Downloads | undefined;
  #sent = 0;
  #received = 0;

  constructor(owner: PumpOwner) {
    this.#owner = owner;
  }

  /** Lets a cursor take its turn. Safe to call for one that has nothing to send. */
  activate(cursor: Cursor): void {
    if (this.#reading?.has(cursor) || this.#downloads?.holds(cursor)) return;
    this.#queue(cursor);
    this.#owner.request();
  }

  /**
   * The topic of a cursor has advanced. Where nothing waits in front of it, it is served at once: to queue for a turn that
   * comes right away would cost a fan-out more than its writes do.
   */
  wake(cursor: Cursor): void {
    if (!this.#isUnoccupied || !cursor.isBehind) return this.activate(cursor);
    try {
      this.#serve(cursor);
    } catch (reason) {
      this.#owner.failed(reason);
    }
    // Whoever is behind now is not read from; that is looked at behind a flush.
    if (this.hasOutput || !this.#hasRoom) this.#owner.request();
  }

  /** The cursor is done with. */
  remove(cursor: Cursor): void {
    this.#downloads?.remove(cursor);
    this.#ready?.delete(cursor);
    this.#reading?.delete(cursor);
  }

  /** Takes the client's acknowledgement of chunks. */
  chunkReceived(ack: ClientMessage<'chunk-ack'>): void {
    this.#downloads?.received(ack);
  }

  /** Takes the client's cumulative count; false when it is more than was sent. */
  received(count: number): boolean {
    if (count > this.#sent) return false;
    this.#received = Math.max(this.#received, count);
    if (this.#isQueued) this.#owner.request();
    return true;
  }

  /** Sends while there is room; whatever then makes room calls it again. */
  run(): void {
    this.#downloads?.runFirst();
    this.#runMessages();
    this.#downloads?.run();
  }

  #runMessages(): void {
    const ready = this.#ready;
    if (!ready) return;
    const { pendingReads } = this.#owner.context.limits;
    // A cursor that has more to send comes again, at the end.
    for (const cursor of ready) {
      if (!this.#hasRoom || (this.#reading?.size ?? 0) >= pendingReads) return;
      ready.delete(cursor);
      if (cursor.isBehind) this.#serve(cursor);
    }
  }

  /** Whether a cursor waits for room, or chunks do. */
  get hasOutput(): boolean {
    return this.#isQueued || this.#downloads?.hasOutput === true;
  }

  get #isQueued(): boolean {
    return this.#ready !== undefined && this.#ready.size > 0;
  }

  get #isUnoccupied(): boolean {
    return (
      !this.#isQueued &&
      !this.#reading?.size &&
      this.#downloads?.isIdle !== false &&
      this.#owner.outbound.isEmpty &&
      this.#hasRoom
    );
  }

  get #credit(): number {
    return this.#owner.window - (this.#sent - this.#received);
  }

  get #hasRoom(): boolean {
    const { transport, context } = this.#owner;
    return this.#credit > 0 && transport.bufferedAmount < context.limits.bufferedBytes;
  }

  #serve(cursor: Cursor): void {
    if (cursor.gap) this.#sendGap(cursor, cursor.gap);
    const chunk = withDeadline(cursor.feed.read(cursor.offset), this.#owner.context.hookDeadline);
    if (!isPromise(chunk)) return this.#deliver(cursor, chunk);
    const reading = (this.#reading ??= new Set());
    reading.add(cursor);
    settle(
      chunk,
      (read) => this.#readDone(cursor, read),
      (reason: unknown) => {
        reading.delete(cursor);
        this.#owner.failed(reason);
      },
    );
  }

  #readDone(cursor: Cursor, chunk: Chunk): void {
    if (!this.#reading?.delete(cursor)) return;
    // Answers that wait, as the `subscribed` of this very topic, go before its messages.
    this.#owner.outbound.flush();
    this.#deliver(cursor, chunk);
    if (this.hasOutput) this.#owner.request();
  }

  #queue(cursor: Cursor): void {
    (this.#ready ??= new Set()).add(cursor);
  }

  #deliver(cursor: Cursor, chunk: Chunk): void {
    if (this.#noteGap(cursor, chunk)) return this.#queue(cursor);
    const before = cursor.offset;
    for (const part of chunk.parts) {
      if (!this.#hasRoom) break;
      if (part.large && this.#owner.chunks) return this.#beginLarge(cursor, part.large);
      const count = Math.min(part.messages.length, this.#credit);
      this.#send(part, count);
      cursor.offset += count;
      this.#sent += count;
      this.#delivered(count);
    }
    // An empty read that should not be one must not spin: the next advance wakes the cursor.
    const moved = cursor.offset > before || chunk.parts.length > 0;
    if (moved && cursor.isBehind) this.#queue(cursor);
  }

  #beginLarge(cursor: Cursor, message: StoredMessage): void {
    this.#downloads ??= new Downloads(this.#owner, (each) => this.activate(each));
    if (!this.#downloads.begin(cursor, message)) return;
    this.#sent++;
    this.#delivered(1);
  }

  #delivered(count: number): void {
    this.#owner.context.stats.delivered += count;
    this.#owner.reached('first_message');
  }

  /** Moves a cursor that the history has left behind, and remembers to say so. */
  #noteGap(cursor: Cursor, chunk: Chunk): boolean {
    const start = chunk.oldest - 1;
    if (chunk.epoch !== cursor.epoch) {
      cursor.gap = { reason: 'epoch' };
    } else if (start > cursor.offset) {
      cursor.gap = { reason: 'history', missed: start - cursor.offset };
    } else {
      return false;
    }
    cursor.epoch = chunk.epoch;
    cursor.offset = start;
    return true;
  }

  #sendGap(cursor: Cursor, payload: NonNullable<Cursor['gap']>): void {
    const { outbound, context } = this.#owner;
    cursor.gap = undefined;
    const { epoch, offset } = cursor;
    outbound.push({ type: 'gap', topic: cursor.feed.topic, epoch, offset, payload });
    outbound.flush();
    this.#sent++;
    context.stats.gaps++;
    context.measures.gap(payload.reason);
  }

  #send(part: ChunkPart, count: number): void {
    const { transport, outbound } = this.#owner;
    if (part.large) return this.#sendWhole(part.large);
    const binary = part.binary;
    if (binary) return transport.sendBinary(binary);
    if (outbound.maxBatch > 1) return transport.sendText(part.text(count));
    for (const message of part.messages.slice(0, count)) transport.sendText(message.frame as string);
  }

  #sendWhole(message: StoredMessage): void {
    const frame = wholeFrame(message);
    if (typeof frame === 'string') this.#owner.transport.sendText(frame);
    else this.#owner.transport.sendBinary(frame);
  }
}
