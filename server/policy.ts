import type { ClientMessage } from '../src/protocol/schema.ts';
import type { LargePayload } from './backbone.ts';
import type { ServerContext } from './context.ts';
import { guarded, type Deadline } from './guard.ts';
import type { IncomingLarge } from './hooks.ts';
import { chain, type MaybePromise } from './maybe-promise.ts';
import { RequestError, type Refusal } from './request-error.ts';
import type { Client } from './client.ts';

/** What a client may do: the app's `authorize` and `onPublish`, with their errors turned into answers. */
export class Policy {
  readonly #context: ServerContext;
  readonly #client: () => Client;
  readonly #deadline: Deadline;

  constructor(context: ServerContext, client: () => Client) {
    this.#context = context;
    this.#client = client;
    this.#deadline = { clock: context.clock, timeoutMs: context.limits.hookTimeoutMs };
  }

  /** Whether the client may; never rejects. */
  allows(action: 'subscribe' | 'publish' | 'request', topic: string): MaybePromise<boolean> {
    const authorize = this.#context.hooks.authorize;
    if (!authorize) return true;
    const { identity, claims } = this.#client();
    return guarded(
      () => chain(authorize({ identity, claims, action, topic }), (answer) => answer === true),
      (reason) => {
        this.#context.logger.warn({ err: reason, identity, action, topic }, 'authorize failed: refused');
        return false;
      },
      this.#deadline,
    );
  }

  /** Why a publish is refused; undefined where it is not. Never rejects. */
  review(
    publish: ClientMessage<'publish'>,
    large: LargePayload | undefined,
  ): MaybePromise<Refusal | undefined> {
    const { authorize, onPublish } = this.#context.hooks;
    if (!authorize && !onPublish) return undefined;
    return chain(this.allows('publish', publish.topic), (allowed) =>
      allowed ? this.#inspect(publish, large) : forbidden(publish.topic),
    );
  }

  #inspect(
    publish: ClientMessage<'publish'>,
    large: LargePayload | undefined,
  ): MaybePromise<Refusal | undefined> {
    const onPublish = this.#context.hooks.onPublish;
    if (!onPublish) return undefined;
    const { identity, claims, clientId, clientEpoch } = this.#client();
    const { topic, id, seq } = publish;
    const content = large ? { payload: undefined, large: incoming(large) } : { payload: publish.payload };
    return guarded<Refusal | undefined>(
      () =>
        chain(
          onPublish({ identity, claims, clientId, clientEpoch, topic, id, seq, ...content }),
          (refusal) => refusal ?? undefined,
        ),
      (reason) => {
        if (reason instanceof RequestError) return reason;
        this.#context.logger.warn({ err: reason, identity, topic }, 'onPublish failed: refused');
        return { code: 'rejected', message: 'the server could not accept the message', retryable: true };
      },
      this.#deadline,
    );
  }
}

const incoming = ({ size, form, mime, parts }: LargePayload): IncomingLarge => ({ size, form, mime, parts });

/** The refusal of what `authorize` does not allow. */
export const forbidden = (topic: string): Refusal => ({
  code: 'forbidden',
  message: `not allowed: ${topic}`,
});
