import * as closeCodes from '../src/protocol/close-codes.ts';
import type { ClientEnvelope } from '../src/protocol/schema.ts';
import type { Client } from './client.ts';
import type { ClientSession, ServerContext } from './context.ts';
import type { Credentials } from './credentials.ts';
import type { Identity } from './hooks.ts';
import { forgetClient } from './forget-client.ts';
import type { Outbound } from './outbound.ts';
import { Policy } from './policy.ts';
import { PublishLane } from './publish-lane.ts';
import { Pump } from './pump.ts';
import type { ReadGate } from './read-gate.ts';
import { RequestRunner } from './request-runner.ts';
import type { Stages } from './sight/stages.ts';
import { Spans } from './sight/spans.ts';
import { Subscriptions } from './subscriptions.ts';
import { attend } from './attendance.ts';
import { PresenceWatches } from './presence-watches.ts';
import type { RevokeScope } from './revoke-scope.ts';
import { Signals } from './signals.ts';
import { StandingGrants, type StandingAction } from './standing-grants.ts';
import type { SessionClose, Transport } from './transport.ts';
import { Uploads } from './uploads.ts';

/** What an open session needs of the connection that it belongs to. */
export interface OpenSessionOwner {
  readonly context: ServerContext;
  readonly transport: Transport;
  readonly outbound: Outbound;
  readonly gate: ReadGate;
  readonly stages: Stages;
  readonly close: SessionClose;
  readonly credentials: Credentials;
  /** There is something to send. */
  readonly request: () => void;
  /** Ends the connection without a close frame. */
  readonly terminate: () => void;
}

/** What a session is opened with. */
export interface SessionStart {
  readonly client: Client;
  readonly lastSeq: number;
  /** Messages and gaps that may be under way to the client. */
  readonly window: number;
  /** Whether large payloads travel in chunks. */
  readonly chunks: boolean;
}

/** A connection after its welcome: hands each envelope to the part that it concerns. */
export class OpenSession implements ClientSession {
  readonly #owner: OpenSessionOwner;
  readonly #lane: PublishLane;
  readonly #subscriptions: Subscriptions;
  readonly #requests: RequestRunner;
  readonly #pump: Pump;
  readonly #uploads: Uploads;
  readonly #chunks: boolean;
  readonly #spans: Spans | undefined;
  readonly #policy: Policy;
  readonly #grants: StandingGrants;
  readonly #signals: Signals;
  readonly #watches: PresenceWatches;
  #client: Client;

  constructor(owner: OpenSessionOwner, start: SessionStart) {
    const { context, transport, outbound, gate, close, request, stages } = owner;
    const { chunks, window } = start;
    this.#owner = owner;
    this.#client = start.client;
    const client = () => this.#client;
    const policy = new Policy(context, client);
    const failed = (reason: unknown) => this.#failed(reason);
    const fenced = () => owner.close(closeCodes.connectionReplaced, 'a newer connection has this client id');
    const { key } = start.client;
    this.#chunks = chunks;
    const spans = context.tracing && new Spans(context.tracing, context.measures);
    this.#spans = spans;
    this.#uploads = new Uploads({ context, key, policy, outbound, close, failed });
    const parts = { context, client, policy, outbound, gate, spans, uploads: this.#uploads };
    this.#lane = new PublishLane({ ...parts, fenced, failed }, start.lastSeq);
    const hasRoom = () => transport.bufferedAmount < context.limits.bufferedBytes;
    this.#pump = new Pump({ context, transport, outbound, window, chunks, request, failed, stages });
    this.#policy = policy;
    this.#grants = new StandingGrants({ context, policy, revoked: (...grant) => this.#revoked(...grant) });
    this.#signals = new Signals({ context, client, policy, outbound, hasRoom });
    const granted = { context, policy, outbound, grants: this.#grants, failed };
    this.#watches = new PresenceWatches({ ...granted, hasRoom, request });
    this.#subscriptions = new Subscriptions({
      ...granted,
      gate,
      stages,
      spans,
      pump: this.#pump,
      attend: (topic) => attend(context, this.#client, this.#signals, topic),
    });
    this.#requests = new RequestRunner({ context, client, policy, outbound, spans });
  }

  get client(): Client {
    return this.#client;
  }

  /** Takes one envelope. */
  handle(envelope: ClientEnvelope): void {
    const { outbound, close } = this.#owner;
    if (!this.#chunks && isOfChunks(envelope))
      return close(closeCodes.unexpected, 'chunks were not agreed on');
    switch (envelope.type) {
      case 'publish':
        return this.#lane.push(envelope);
      case 'offer':
        return this.#uploads.offer(envelope);
      case 'chunk':
        return this.#uploads.chunk(envelope);
      case 'abandon':
        return this.#uploads.abandon(envelope.transfer);
      case 'chunk-ack':
        return this.#pump.chunkReceived(envelope);
      case 'subscribe':
        return this.#subscriptions.subscribe(envelope);
      case 'unsubscribe':
        return this.#subscriptions.unsubscribe(envelope.topic);
      case 'signal':
        return this.#signals.take(envelope);
      case 'watch':
        return this.#watches.watch(envelope);
      case 'unwatch':
        return this.#watches.unwatch(envelope.topic);
      case 'request':
        if (!this.#requests.start(envelope)) close(closeCodes.unexpected, 'the request id is in use');
        return undefined;
      case 'cancel':
        return this.#requests.cancel(envelope.re);
      case 'received':
        if (!this.#pump.received(envelope.count))
          close(closeCodes.unexpected, 'received.count is more than was sent');
        return undefined;
      case 'auth':
        return this.#owner.credentials.check(envelope.payload.token, (identity) => this.#renew(identity));
      case 'ping':
        return outbound.push({ type: 'pong', re: envelope.id });
      case 'pong':
        return undefined;
      case 'hello':
        return close(closeCodes.unexpected, 'a second hello');
      default:
        return envelope satisfies never;
    }
  }

  /** Publishes that have no answer yet. */
  get publishesInProcess(): number {
    return this.#lane.inProcess;
  }

  /** Whether messages wait for room. */
  get hasOutput(): boolean {
    return this.#pump.hasOutput || this.#watches.hasOutput;
  }

  /** Sends the messages that there is room for. */
  flush(): void {
    this.#uploads.flushed();
    this.#signals.flushed();
    this.#watches.flushed();
    this.#pump.run();
  }

  /** How many subscriptions there are. */
  get subscriptions(): number {
    return this.#subscriptions.size;
  }

  /** Calls `done` once no publish is in process and, with `afterRequests`, no request is without an answer. */
  whenIdle(done: () => void, afterRequests: boolean): void {
    if (!afterRequests) return this.#lane.whenIdle(done);
    // A publish can come while requests are waited for, and the other way round.
    const again = () =>
      this.#requests.whenIdle(() => this.#lane.whenIdle(() => (this.#requests.isIdle ? done() : again())));
    again();
  }

  /** Gives way to a newer connection of the same client. */
  replacedBy(clientEpoch: number): void {
    if (clientEpoch > this.#client.clientEpoch)
      this.#owner.close(closeCodes.staleClientEpoch, 'a newer hub has this client id');
    else this.#owner.terminate();
  }

  revoke({ isMeant, reason }: RevokeScope, done: (ended: number) => void): void {
    this.#policy.forget(isMeant);
    this.#grants.review(isMeant, reason, done);
  }

  /** Ends everything that the session has under way. */
  end(): void {
    const { context } = this.#owner;
    const { key, lease } = this.#client;
    this.#lane.end();
    this.#uploads.end();
    this.#subscriptions.end();
    this.#watches.end();
    this.#grants.end();
    this.#requests.end();
    this.#spans?.endAll();
    if (context.sessions.get(key) === this) context.sessions.delete(key);
    forgetClient(context, key, lease);
  }

  #renew({ claims, presence: info }: Identity): void {
    this.#client = { ...this.#client, claims, info };
    this.revoke({ isMeant: () => true, reason: 'the new token does not allow it' }, () => undefined);
  }

  #revoked(action: StandingAction, topic: string, reason: string): void {
    if (action === 'subscribe') this.#subscriptions.revoke(topic, reason);
    else this.#watches.revoke(topic, reason);
  }

  #failed(reason: unknown): void {
    this.#owner.context.logger.error({ err: reason }, 'the backbone failed');
    this.#owner.close(closeCodes.internalError, 'the server failed');
  }
}

const isOfChunks = (envelope: ClientEnvelope): boolean =>
  envelope.type === 'offer' ||
  envelope.type === 'chunk' ||
  envelope.type === 'abandon' ||
  envelope.type === 'chunk-ack' ||
  (envelope.type === 'publish' && envelope.transfer !== undefined);
