import { fitsUtf8 } from '../src/protocol/utf8.ts';
import type { ClientMessage } from '../src/protocol/schema.ts';
import type { EncodedPayload, PublishResult } from './backbone.ts';
import type { Client } from './client.ts';
import type { ServerContext } from './context.ts';
import { withDeadline, type Deadline } from './guard.ts';
import { isPromise, settle, type MaybePromise } from './maybe-promise.ts';
import type { Outbound } from './outbound.ts';
import type { Policy } from './policy.ts';
import type { ReadGate } from './read-gate.ts';
import { wireFailure, type Refusal } from './request-error.ts';

type Publish = ClientMessage<'publish'>;
type Outcome = PublishResult | { readonly kind: 'recorded' };

/** A sequence that the backbone was given, with the answer once it has come. */
interface Slot {
  readonly seq: number;
  readonly refusal: Refusal | undefined;
  outcome: Outcome | undefined;
}

/** What a lane needs of its session. */
export interface LaneOwner {
  readonly context: ServerContext;
  readonly client: () => Client;
  readonly policy: Policy;
  readonly outbound: Outbound;
  readonly gate: ReadGate;
  /** A newer connection publishes for this client. */
  readonly fenced: () => void;
  /** The backbone failed. */
  readonly failed: (reason: unknown) => void;
}

/**
 * Takes the publishes of one connection strictly in order; one whose sequence is not above the last is a
 * duplicate. While a hook is asked, later ones wait; the backbone keeps the order itself, so several can be
 * under way to it. Where hooks and backbone answer at once, nothing waits, not even for a microtask.
 */
export class PublishLane {
  readonly #owner: LaneOwner;
  readonly #deadline: Deadline;
  #waiting: Publish[] = [];
  #slots: Slot[] = [];
  #reviewing = false;
  #ended = false;
  /** Highest sequence given to the backbone. */
  #taken: number;
  #idle: (() => void) | undefined;

  constructor(owner: LaneOwner, lastSeq: number) {
    const { clock, limits } = owner.context;
    this.#owner = owner;
    this.#deadline = { clock, timeoutMs: limits.hookTimeoutMs };
    this.#taken = lastSeq;
  }

  /** Takes a publish, or lets it wait for its turn. */
  push(publish: Publish): void {
    this.#owner.context.stats.published++;
    if (this.#reviewing) this.#waiting.push(publish);
    else this.#admit(publish);
    this.#balance();
  }

  /** Takes nothing more; what the backbone has been given goes on without an answer to the client. */
  end(): void {
    this.#ended = true;
    this.#waiting = [];
    this.#slots = [];
    this.#idle = undefined;
  }

  /** Calls `done` once nothing is in process. */
  whenIdle(done: () => void): void {
    this.#idle = done;
    this.#balance();
  }

  get #inProcess(): number {
    return this.#waiting.length + this.#slots.length + (this.#reviewing ? 1 : 0);
  }

  #balance(): void {
    const { gate, context } = this.#owner;
    const count = this.#inProcess;
    if (count > context.limits.window) gate.hold('publishes');
    else if (count * 2 <= context.limits.window) gate.release('publishes');
    if (count === 0 && this.#idle) {
      const done = this.#idle;
      this.#idle = undefined;
      done();
    }
  }

  #admit(publish: Publish): void {
    if (publish.seq <= this.#taken) return this.#duplicate();
    const refusal = this.#owner.policy.review(publish);
    if (!isPromise(refusal)) return this.#decide(publish, refusal);
    this.#reviewing = true;
    settle(refusal, (later) => this.#reviewed(publish, later), this.#failed);
  }

  #reviewed(publish: Publish, refusal: Refusal | undefined): void {
    this.#reviewing = false;
    if (this.#ended) return;
    this.#decide(publish, refusal);
    let next = 0;
    while (!this.#reviewing && !this.#ended && next < this.#waiting.length)
      this.#admit(this.#waiting[next++]!);
    this.#waiting.splice(0, next);
    this.#balance();
  }

  /** Acknowledges again what was handled; what is under way is acknowledged when it is done. */
  #duplicate(): void {
    this.#owner.context.stats.duplicates++;
    if (this.#slots.length === 0) this.#owner.outbound.acknowledge(this.#taken);
  }

  #decide(publish: Publish, refused: Refusal | undefined): void {
    const { seq, topic, id } = publish;
    const encoded = refused ?? this.#encode(publish.payload);
    this.#taken = seq;
    const { clock, backbone } = this.#owner.context;
    const { key, lease } = this.#owner.client();
    const client = { key, lease, seq };
    if (typeof encoded === 'string' || encoded instanceof Uint8Array) {
      const ts = clock.now();
      this.#track(seq, undefined, backbone.publish({ topic, id, ts, payload: encoded, client }));
    } else {
      const refusal = wireFailure(encoded);
      this.#track(seq, refusal, backbone.recordRefusal(client, refusal));
    }
  }

  #encode(payload: unknown): EncodedPayload | Refusal {
    const { messageBytes } = this.#owner.context.limits;
    if (payload instanceof Uint8Array) return payload.byteLength > messageBytes ? tooLarge : payload;
    try {
      const json = JSON.stringify(payload);
      return fitsUtf8(json, messageBytes) ? json : tooLarge;
    } catch {
      // Parsing takes any depth of nesting, writing does not: the stack is the limit.
      return { code: 'invalid-payload', message: 'the payload is nested too deeply' };
    }
  }

  #track(seq: number, refusal: Refusal | undefined, answer: MaybePromise<Outcome>): void {
    const outcome = withDeadline(answer, this.#deadline);
    if (!isPromise(outcome) && this.#slots.length === 0) return this.#conclude(seq, refusal, outcome);
    const slot: Slot = { seq, refusal, outcome: undefined };
    this.#slots.push(slot);
    settle(
      outcome,
      (settled) => {
        slot.outcome = settled;
        this.#drain();
      },
      this.#failed,
    );
  }

  readonly #failed = (reason: unknown): void => {
    if (!this.#ended) this.#owner.failed(reason);
  };

  #drain(): void {
    let done = 0;
    while (!this.#ended && this.#slots[done]?.outcome) {
      const { seq, refusal, outcome } = this.#slots[done++]!;
      this.#conclude(seq, refusal, outcome!);
    }
    this.#slots.splice(0, done);
    this.#balance();
  }

  #conclude(seq: number, refusal: Refusal | undefined, outcome: Outcome): void {
    const { outbound, context } = this.#owner;
    switch (outcome.kind) {
      case 'published':
        context.stats.accepted++;
        return outbound.acknowledge(seq);
      case 'recorded':
        return this.#nack(seq, refusal!);
      case 'refused':
        return this.#nack(seq, wireFailure(outcome));
      case 'duplicate':
        context.stats.duplicates++;
        return outbound.acknowledge(seq);
      case 'fenced':
        return this.#owner.fenced();
      default:
        return outcome satisfies never;
    }
  }

  #nack(seq: number, refusal: Refusal): void {
    const { outbound, context } = this.#owner;
    context.stats.refused++;
    outbound.push({ type: 'nack', seq, payload: refusal });
    outbound.acknowledge(seq);
  }
}

const tooLarge: Refusal = { code: 'too-large', message: 'the payload is larger than the server keeps' };
