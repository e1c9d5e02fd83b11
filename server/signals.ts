import { fitsUtf8 } from '../src/protocol/utf8.ts';
import * as protocolLimits from '../src/protocol/limits.ts';
import type { ClientMessage } from '../src/protocol/schema.ts';
import type { Client } from './client.ts';
import type { ServerContext } from './context.ts';
import { settle } from './maybe-promise.ts';
import type { Outbound } from './outbound.ts';
import { forbidden, type Policy } from './policy.ts';
import { wireFailure, type Refusal } from './request-error.ts';

type Signal = ClientMessage<'signal'>;

/** What signals need of their session. */
export interface SignalOwner {
  readonly context: ServerContext;
  readonly client: Client;
  readonly policy: Policy;
  readonly outbound: Outbound;
  /** Whether the socket's buffer has room. */
  readonly hasRoom: boolean;
}

/** The signals of one connection, both ways. They are lost wherever they would have to wait. */
export class Signals {
  readonly #owner: SignalOwner;
  /** Signals that `authorize` is being asked about. */
  #asked = 0;
  /** Signals that wait for the end of the turn. */
  #waiting = 0;

  constructor(owner: SignalOwner) {
    this.#owner = owner;
  }

  /** Takes a signal of the client. A refusal is told; there is no acknowledgement. */
  take(signal: Signal): void {
    const { context, policy } = this.#owner;
    const { topic, id } = signal;
    const { limits, stats } = context;
    stats.signals++;
    if (this.#asked >= limits.pendingSignals) {
      return this.#refuse(signal, { code: 'limit', message: 'too many signals', retryable: true });
    }
    const value = jsonOf(signal.payload.value);
    if (value === undefined) {
      const message = `a signal has at most ${protocolLimits.signalBytes} bytes`;
      return this.#refuse(signal, { code: 'too-large', message });
    }
    this.#asked += 1;
    settle(
      policy.allows('signal', topic),
      (allowed) => {
        this.#asked -= 1;
        if (!allowed) return this.#refuse(signal, forbidden(topic));
        const payload = `{"identity":${JSON.stringify(this.#owner.client.identity)},"value":${value}}`;
        context.feeds.signal(topic, { payload, sender: this.#owner, id });
      },
      (reason) => context.logger.error({ err: reason }, 'a signal could not be processed'),
    );
  }

  /** Hands a signal of the topic to the client; `re` is its id where it is the client's own. */
  send(topic: string, payload: string, re: string | undefined): void {
    const { context, outbound, hasRoom } = this.#owner;
    if (!hasRoom || this.#waiting >= context.limits.pendingSignals) {
      context.stats.signalsDropped++;
      context.logger.debug({ topic }, 'a signal was dropped: the connection is behind');
      return;
    }
    this.#waiting += 1;
    context.stats.signalsSent++;
    const head = { type: 'signal', topic } as const;
    outbound.pushEncoded(re === undefined ? head : { ...head, re }, payload);
  }

  /** What waited is on its way. */
  flushed(): void {
    this.#waiting = 0;
  }

  #refuse({ id: re, topic }: Signal, refusal: Refusal): void {
    this.#owner.context.stats.signalsDropped++;
    this.#owner.outbound.push({ type: 'error', re, topic, payload: wireFailure(refusal) });
  }
}

/** The JSON text of a signal; undefined where it is too large, or nested too deeply to be written. */
function jsonOf(value: unknown): string | undefined {
  try {
    const json = JSON.stringify(value);
    return fitsUtf8(json, protocolLimits.signalBytes) ? json : undefined;
  } catch {
    return undefined;
  }
}
