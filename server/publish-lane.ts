import { fitsUtf8 } from '../src/protocol/utf8.ts';
import type { ClientMessage } from '../src/protocol/schema.ts';
import type { EncodedPayload, LargePayload, PublishResult } from './backbone.ts';
import type { Client } from './client.ts';
import type { ServerContext } from './context.ts';
import { withDeadline } from './guard.ts';
import { isPromise, settle, type MaybePromise } from './maybe-promise.ts';
import type { Outbound } from './outbound.ts';
import type { Policy } from './policy.ts';
import type { ReadGate } from './read-gate.ts';
import { traceContextOf, type TraceContext } from '../src/protocol/trace-context.ts';
import type { Spans } from './sight/spans.ts';
import { wireFailure, type Refusal } from './request-error.ts';
import type { Uploads } from './uploads.ts';

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
  readonly client: Client;
  readonly policy: Policy;
  readonly outbound: Outbound;
  readonly gate: ReadGate;
  readonly uploads: Uploads;
  readonly spans: Spans | undefined;
  /** A newer connection publishes for this client. */
  fenced(): void;
  /** The backbone failed. */
  failed(reason: unknown): void;
}

/**
 * Takes the publishes of one connection strictly in order; one whose sequence is not above the last is a
 * duplicate. While a hook is asked, later ones wait; the backbone keeps the order itself, so several can be
 * under way to it. Where hooks and backbone answer at once, nothing waits, not even for a microtask.
 */
export class PublishLane {
  readonly #owner: LaneOwner;
  #waiting: Publish[] = [];
  #slots: Slot[] = [];
  #reviewing = false;
  #ended = false;
  /** Highest sequence given to the backbone. */
  #taken: number;
  #idle: (() => void) | undefined;

  constructor(owner: LaneOwner, lastSeq: number) {
    this.#owner = owner;
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

  /** Publishes that have no answer yet. */
  get inProcess(): number {
    return this.#waiting.length + this.#slots.length + (this.#reviewing ? 1 : 0);
  }

  #balance(): void {
    const { gate, context } = this.#owner;
    const count = this.inProcess;
    if (count > context.limits.window) gate.hold('publishes');
    else if (count * 2 <= context.limits.window) gate.release('publishes');
    if (count === 0 && this.#idle) {
      const done = this.#idle;
      this.#idle = undefined;
      done();
    }
  }

  #admit(publish: Publish): void {
    const { policy, uploads, spans } = this.#owner;
    const { transfer, seq } = publish;
    if (seq <= this.#taken) return this.#duplicate(transfer?.id);
    spans?.begin(spanKey(seq), {
      kind: 'publish',
      topic: publish.topic,
      id: publish.id,
      trace: publish.trace,
    });
    const large = transfer && uploads.content(transfer);
    if (transfer && !large) return this.#decide(publish, transferLost);
    const refusal = spans
      ? spans.run(spanKey(seq), () => policy.review(publish, large))
      : policy.review(publish, large);
    if (!isPromise(refusal)) return this.#decide(publish, refusal ?? large);
    this.#reviewing = true;
    settle(refusal, (later) => this.#reviewed(publish, later ?? large), this.#failed);
  }

  #reviewed(publish: Publish, decision: Refusal | LargePayload | undefined): void {
    this.#reviewing = false;
    if (this.#ended) return;
    this.#decide(publish, decision);
    let next = 0;
    while (!this.#reviewing && !this.#ended && next < this.#waiting.length)
      this.#admit(this.#waiting[next++]!);
    this.#waiting.splice(0, next);
    this.#balance();
  }

  /** Acknowledges again what was handled; what is under way is acknowledged when it is done. */
  #duplicate(transfer: string | undefined): void {
    this.#owner.context.stats.duplicates++;
    if (transfer !== undefined) this.#owner.uploads.drop(transfer);
    if (this.#slots.length === 0) this.#owner.outbound.acknowledge(this.#taken);
  }

  #decide(publish: Publish, decision: Refusal | LargePayload | undefined): void {
    const { seq, topic, id } = publish;
    const encoded = decision ?? this.#encode(publish.payload);
    this.#taken = seq;
    const { clock, backbone } = this.#owner.context;
    const { key, lease } = this.#owner.client;
    const client = { key, lease, seq };
    if (isRefusal(encoded)) {
      if (encoded === tooLarge) this.#owner.context.limitHits.hit('message-bytes', { topic });
      const refusal = wireFailure(encoded);
      this.#track(publish, refusal, backbone.recordRefusal(client, refusal));
    } else {
      const { spans } = this.#owner;
      const ts = clock.now();
      const trace = spans || publish.trace !== undefined ? this.#traceOf(publish) : undefined;
      // What nobody traces is published as ever: spreading a field in, or a function more, shows in the rate.
      const publication = trace
        ? { topic, id, ts, payload: encoded, client, trace }
        : { topic, id, ts, payload: encoded, client };
      this.#track(
        publish,
        undefined,
        spans ? spans.run(spanKey(seq), () => backbone.publish(publication)) : backbone.publish(publication),
      );
    }
  }

  /** What the message carries on: the trace where it is here, or else as it came. */
  #traceOf({ seq, trace }: Publish): TraceContext | undefined {
    const { spans } = this.#owner;
    return spans?.trace(spanKey(seq)) ?? (trace === undefined ? undefined : traceContextOf(trace));
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

  #track({ seq, transfer }: Publish, refusal: Refusal | undefined, answer: MaybePromise<Outcome>): void {
    const outcome = withDeadline(answer, this.#owner.context.hookDeadline);
    // Kept until the answer, for without one the client sends the publish again, and this is still its content.
    const answered = ({ kind }: Outcome) => {
      if (transfer && kind !== 'fenced') this.#owner.uploads.drop(transfer.id);
    };
    if (!isPromise(outcome) && this.#slots.length === 0) {
      answered(outcome);
      return this.#conclude(seq, refusal, outcome);
    }
    const slot: Slot = { seq, refusal, outcome: undefined };
    this.#slots.push(slot);
    settle(
      outcome,
      (settled) => {
        slot.outcome = settled;
        answered(settled);
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
    const { outbound, context, spans } = this.#owner;
    if (spans) spans.end(spanKey(seq), codeOf(refusal, outcome));
    switch (outcome.kind) {
      case 'published':
        context.stats.accepted++;
        return outbound.acknowledge(seq);
      case 'recorded':
        return this.#nack(seq, refusal!);
      case 'refused':
        if (outcome.code === 'limit') context.limitHits.hit('topics', {});
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

/** The code of what went wrong with a publish. */
function codeOf(refusal: Refusal | undefined, outcome: Outcome): string | undefined {
  if (outcome.kind === 'fenced') return 'fenced';
  return refusal?.code ?? (outcome.kind === 'refused' ? outcome.code : undefined);
}

const spanKey = (seq: number): string => `p${seq}`;

const isRefusal = (decision: EncodedPayload | Refusal): decision is Refusal =>
  typeof decision === 'object' && 'code' in decision;

const transferLost: Refusal = {
  code: 'transfer-lost',
  message: 'the server does not have this transfer: it has to be sent again',
  retryable: true,
};

const tooLarge: Refusal = { code: 'too-large', message: 'the payload is larger than the server keeps' };
