import { encodeBinary, encodeBinaryHead, encodeEnvelope, packFrames } from '../src/protocol/codec.ts';
import type { Outgoing } from '../src/protocol/outgoing.ts';
import type { ServerEnvelope } from '../src/protocol/schema.ts';
import type { ServerContext } from './context.ts';
import type { Transport } from './transport.ts';

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;

/** A server envelope but for the id and the time that every envelope has. */
export type Reply = DistributiveOmit<ServerEnvelope, 'id' | 'ts'>;

/** A server envelope whose payload stands beside it, but for id and time. */
export type ReplyHead = DistributiveOmit<ServerEnvelope, 'id' | 'ts' | 'payload'>;

/** What answers need of their connection. */
export interface OutboundOwner {
  readonly context: ServerContext;
  readonly transport: Transport;
  /** There is something to send. */
  request(): void;
}

/** The answers of one connection that wait for the end of the turn. Messages do not come through here. */
export class Outbound {
  readonly #owner: OutboundOwner;
  /** None for as long as nothing waits. */
  #waiting: (string | Uint8Array)[] | undefined;
  #ack: number | undefined;
  #count = 0;
  /** Envelopes per text frame; 1 until the client has chosen the feature `batch`. */
  maxBatch = 1;

  constructor(owner: OutboundOwner) {
    this.#owner = owner;
  }

  /** Queues an envelope. */
  push(reply: Reply): void {
    this.#add(encodeEnvelope({ head: this.#stamped(reply) }));
  }

  /** Queues an envelope with a payload that is JSON text or bytes already. */
  pushEncoded(head: ReplyHead, payload: string | Uint8Array): void {
    const stamped = this.#stamped(head);
    this.#add(
      typeof payload === 'string'
        ? encodeEnvelope({ head: stamped, json: payload })
        : encodeBinary(stamped, payload),
    );
  }

  /** Sends a chunk at once. */
  sendChunk(transfer: string, at: number, bytes: Uint8Array): void {
    const head = this.#stamped({ type: 'chunk', transfer, at });
    this.#owner.transport.sendBinary(encodeBinaryHead(head), bytes);
  }

  /** Every sequence up to `seq` is handled. One `ack` is sent for all of a turn, behind their nacks. */
  acknowledge(seq: number): void {
    this.#ack = seq;
    this.#owner.request();
  }

  /** Sends the acknowledgement. It goes last: who waits for messages should not wait for that, too. */
  flushAck(): void {
    if (this.#ack === undefined) return;
    const seq = this.#ack;
    this.#ack = undefined;
    this.#owner.context.measures.acks++;
    (this.#waiting ??= []).push(encodeEnvelope({ head: this.#stamped({ type: 'ack', seq }) }));
    this.flush();
  }

  /** Whether no answer waits. An acknowledgement may: it goes last. */
  get isEmpty(): boolean {
    return this.#waiting === undefined;
  }

  /** Sends the answers that wait. */
  flush(): void {
    const waiting = this.#waiting;
    if (!waiting) return;
    this.#waiting = undefined;
    let texts: string[] = [];
    for (const item of waiting) {
      if (typeof item === 'string') {
        texts.push(item);
        continue;
      }
      this.#sendTexts(texts);
      texts = [];
      this.#owner.transport.sendBinary(item);
    }
    this.#sendTexts(texts);
  }

  #add(item: string | Uint8Array): void {
    (this.#waiting ??= []).push(item);
    this.#owner.request();
  }

  #sendTexts(texts: readonly string[]): void {
    const { transport, context } = this.#owner;
    // One alone needs no packing, and a large one is not read once more for its length.
    if (texts.length === 1) return transport.sendText(texts[0]!);
    const bounds = { maxBatch: this.maxBatch, maxFrameBytes: context.limits.batchBytes };
    for (const frame of packFrames(texts, bounds)) transport.sendText(frame);
  }

  #stamped<R extends object>(reply: R): Outgoing['head'] {
    const id = (++this.#count).toString(36);
    return { ...reply, id, ts: this.#owner.context.clock.now() } as unknown as Outgoing['head'];
  }
}
