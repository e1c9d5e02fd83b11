import * as closeCodes from '../src/protocol/close-codes.ts';
import type { ClientEnvelope, ClientMessage } from '../src/protocol/schema.ts';
import type { ClientParts } from './client.ts';
import type { ConnectionOwner } from './attached.ts';
import { AttachedClient } from './attached-client.ts';
import type { ClientSession } from './context.ts';
import type { Identity } from './hooks.ts';
import { forgetClient } from './forget-client.ts';
import { isOfChunks } from './is-of-chunks.ts';
import { policyFor, type Policy, type PolicyOwner } from './policy.ts';
import type { Leave } from './presence.ts';
import { PublishLane, type LaneOwner } from './publish-lane.ts';
import { Pump, type PumpOwner } from './pump.ts';
import { RequestRunner, type RequestOwner } from './request-runner.ts';
import { Spans } from './sight/spans.ts';
import { Subscriptions, type SubscriptionOwner } from './subscriptions.ts';
import { PresenceWatches, type WatchOwner } from './presence-watches.ts';
import type { RevokeScope } from './revoke-scope.ts';
import { Signals, type SignalOwner } from './signals.ts';
import { StandingGrants, type StandingAction, type StandingGrantsOwner } from './standing-grants.ts';
import { Uploads, type UploadOwner } from './uploads.ts';

/** What a session is opened with. */
export interface SessionStart {
  readonly client: ClientParts;
  readonly lastSeq: number;
  /** Messages and gaps that may be under way to the client. */
  readonly window: number;
  /** Whether large payloads travel in chunks. */
  readonly chunks: boolean;
}

/** What the parts of an open session need of it. */
type PartOwner = PumpOwner &
  SubscriptionOwner &
  LaneOwner &
  UploadOwner &
  RequestOwner &
  WatchOwner &
  SignalOwner &
  StandingGrantsOwner &
  PolicyOwner;

/**
 * A connection after its welcome: hands each envelope to the part that it concerns. Parts are made when they are needed
 * for the first time, and have the session itself as their owner: most connections listen to a few topics and do
 * nothing else, and a server has tens of thousands of them.
 */
export class OpenSession extends AttachedClient implements ClientSession, PartOwner {
  readonly window: number;
  readonly chunks: boolean;
  readonly #lastSeq: number;
  readonly spans: Spans | undefined;
  readonly policy: Policy;
  readonly pump: Pump;
  readonly #subscriptions: Subscriptions;
  #lane: PublishLane | undefined;
  #requests: RequestRunner | undefined;
  #uploads: Uploads | undefined;
  #grants: StandingGrants | undefined;
  #signals: Signals | undefined;
  #watches: PresenceWatches | undefined;

  constructor(connection: ConnectionOwner, { client, lastSeq, window, chunks }: SessionStart) {
    super(connection, client);
    const { tracing, measures, transfers } = connection.context;
    this.#lastSeq = lastSeq;
    this.window = window;
    this.chunks = chunks;
    this.spans = tracing && new Spans(tracing, measures);
    this.policy = policyFor(this);
    this.pump = new Pump(this);
    this.#subscriptions = new Subscriptions(this);
    transfers.enter(this.key);
  }

  get kind(): 'open' {
    return 'open';
  }

  get uploads(): Uploads {
    return (this.#uploads ??= new Uploads(this));
  }

  /** Whether the socket's buffer has room. */
  get hasRoom(): boolean {
    return this.transport.bufferedAmount < this.context.limits.bufferedBytes;
  }

  holdGrant(action: StandingAction, topic: string, until: number): void {
    // Without an `authorize` there is nothing to be asked again.
    if (until === Infinity) return;
    this.#grants ??= new StandingGrants(this);
    this.#grants.hold(action, topic, until);
  }

  releaseGrant(action: StandingAction, topic: string): void {
    this.#grants?.release(action, topic);
  }

  attend(topic: string): Leave | undefined {
    const { presence } = this.context;
    const { identity, info } = this;
    return presence?.isKept(topic) ? presence.store.enter(topic, identity, info) : undefined;
  }

  signal(topic: string, payload: string, re: string | undefined): void {
    this.#signaller.send(topic, payload, re);
  }

  revoked(action: StandingAction, topic: string, reason: string): void {
    if (action === 'subscribe') this.#subscriptions.revoke(topic, reason);
    else this.#watches?.revoke(topic, reason);
  }

  fenced(): void {
    this.close(closeCodes.connectionReplaced, 'a newer connection has this client id');
  }

  failed(reason: unknown): void {
    this.context.logger.error({ err: reason }, 'the backbone failed');
    this.close(closeCodes.internalError, 'the server failed');
  }

  /** Takes one envelope. */
  handle(envelope: ClientEnvelope): void {
    if (!this.chunks && isOfChunks(envelope))
      return this.close(closeCodes.unexpected, 'chunks were not agreed on');
    switch (envelope.type) {
      case 'publish':
        return this.#publishes.push(envelope);
      case 'offer':
        return this.uploads.offer(envelope);
      case 'chunk':
        return this.uploads.chunk(envelope);
      case 'abandon':
        return this.uploads.abandon(envelope.transfer);
      case 'chunk-ack':
        return this.pump.chunkReceived(envelope);
      case 'subscribe':
        return this.#subscriptions.subscribe(envelope);
      case 'unsubscribe':
        return this.#subscriptions.unsubscribe(envelope.topic);
      case 'signal':
        return this.#signaller.take(envelope);
      case 'watch':
        this.#watches ??= new PresenceWatches(this);
        return this.#watches.watch(envelope);
      case 'unwatch':
        return this.#watches?.unwatch(envelope.topic);
      case 'request':
        return this.#serve(envelope);
      case 'cancel':
        return this.#requests?.cancel(envelope.re);
      case 'received':
        if (!this.pump.received(envelope.count))
          this.close(closeCodes.unexpected, 'received.count is more than was sent');
        return undefined;
      case 'auth':
        return this.connection.credentials.check(envelope.payload.token, (identity) => this.#renew(identity));
      case 'ping':
        return this.outbound.push({ type: 'pong', re: envelope.id });
      case 'pong':
        return undefined;
      case 'hello':
        return this.close(closeCodes.unexpected, 'a second hello');
      default:
        return envelope satisfies never;
    }
  }

  /** Publishes that have no answer yet. */
  get publishesInProcess(): number {
    return this.#lane?.inProcess ?? 0;
  }

  /** Whether messages wait for room. */
  get hasOutput(): boolean {
    return this.pump.hasOutput || this.#watches?.hasOutput === true;
  }

  /** Sends the messages that there is room for. */
  flush(): void {
    this.#uploads?.flushed();
    this.#signals?.flushed();
    this.#watches?.flushed();
    this.pump.run();
  }

  /** How many subscriptions there are. */
  get subscriptions(): number {
    return this.#subscriptions.size;
  }

  /** Calls `done` once no publish is in process and, with `afterRequests`, no request is without an answer. */
  whenIdle(done: () => void, afterRequests: boolean): void {
    const lane = this.#publishes;
    if (!afterRequests) return lane.whenIdle(done);
    const requests = this.#requestRunner;
    // A publish can come while requests are waited for, and the other way round.
    const again = () => requests.whenIdle(() => lane.whenIdle(() => (requests.isIdle ? done() : again())));
    again();
  }

  /** Gives way to a newer connection of the same client. */
  replacedBy(clientEpoch: number): void {
    if (clientEpoch > this.clientEpoch)
      this.close(closeCodes.staleClientEpoch, 'a newer hub has this client id');
    else this.connection.terminate();
  }

  revoke({ isMeant, reason }: RevokeScope, done: (ended: number) => void): void {
    this.policy.forget(isMeant);
    if (this.#grants) this.#grants.review(isMeant, reason, done);
    else done(0);
  }

  /** Ends everything that the session has under way. */
  end(): void {
    const { context, key, lease } = this;
    this.#lane?.end();
    this.#uploads?.end();
    context.transfers.leave(key);
    this.#subscriptions.end();
    this.#watches?.end();
    this.#grants?.end();
    this.#requests?.end();
    this.spans?.endAll();
    if (context.sessions.get(key) === this) context.sessions.delete(key);
    forgetClient(context, key, lease);
  }

  #renew(identity: Identity): void {
    this.renewed(identity);
    this.revoke({ isMeant: () => true, reason: 'the new token does not allow it' }, () => undefined);
  }

  get #publishes(): PublishLane {
    return (this.#lane ??= new PublishLane(this, this.#lastSeq));
  }

  get #requestRunner(): RequestRunner {
    return (this.#requests ??= new RequestRunner(this));
  }

  get #signaller(): Signals {
    return (this.#signals ??= new Signals(this));
  }

  #serve(request: ClientMessage<'request'>): void {
    if (!this.#requestRunner.start(request)) this.close(closeCodes.unexpected, 'the request id is in use');
  }
}
