/**
 * A connection up to its welcome.
 *
 * ```
 * awaiting-hello -> awaiting-auth | verifying | opening | done
 * awaiting-auth  -> verifying | done
 * verifying      -> opening | done
 * opening        -> done
 * done           ->
 * ```
 */
import * as closeCodes from '../src/protocol/close-codes.ts';
import * as protocolLimits from '../src/protocol/limits.ts';
import type { ClientEnvelope, ClientMessage } from '../src/protocol/schema.ts';
import { wireFeatures, wireVersions } from '../src/protocol/version.ts';
import { Alarm } from './alarm.ts';
import { anonymous } from './authentication.ts';
import type { OpenResult } from './backbone.ts';
import { clientKey } from './client.ts';
import type { ServerContext } from './context.ts';
import type { Credentials } from './credentials.ts';
import { forgetClient } from './forget-client.ts';
import { withDeadline } from './guard.ts';
import type { Identity } from './hooks.ts';
import * as serverLimits from './limits.ts';
import { settle } from './maybe-promise.ts';
import type { SessionStart } from './open-session.ts';
import type { Outbound } from './outbound.ts';
import { checkTransition, type Transitions } from './state-machine.ts';
import type { UpgradeToken } from './upgrade-token.ts';
import { welcomeOf } from './welcome.ts';

type Hello = ClientMessage<'hello'>;

type HandshakeState =
  | { readonly kind: 'awaiting-hello'; readonly upgradeToken: UpgradeToken | undefined }
  | { readonly kind: 'awaiting-auth'; readonly hello: Hello }
  | { readonly kind: 'verifying' }
  | { readonly kind: 'opening' }
  | { readonly kind: 'done' };

/** Which state may follow which. A test compares this with the diagram above. */
export const handshakeTransitions: Transitions<HandshakeState['kind']> = {
  'awaiting-hello': ['awaiting-auth', 'verifying', 'opening', 'done'],
  'awaiting-auth': ['verifying', 'done'],
  verifying: ['opening', 'done'],
  opening: ['done'],
  done: [],
};

/** What a handshake needs of its connection. */
export interface HandshakeOwner {
  readonly context: ServerContext;
  readonly outbound: Outbound;
  readonly credentials: Credentials;
  close(code: number, reason: string): void;
  /** Gives the identity a seat; false where it gets none, and the connection is closed. */
  seat(identity: string, key: string): boolean;
  /** The welcome is on its way. */
  open(start: SessionStart): void;
}

/** Negotiates the version, checks the token, opens the client's record, and answers with the welcome. */
export class Handshake {
  readonly #owner: HandshakeOwner;
  readonly #deadline: Alarm;
  #state: HandshakeState;

  get kind(): 'handshaking' {
    return 'handshaking';
  }

  /** The `upgradeToken` is kept until the hello, which says whether it is the one that counts. */
  constructor(owner: HandshakeOwner, upgradeToken: UpgradeToken | undefined) {
    const { clock, dues, limits } = owner.context;
    this.#owner = owner;
    this.#state = { kind: 'awaiting-hello', upgradeToken };
    this.#deadline = new Alarm(dues, () => {
      owner.context.limitHits.hit('handshake', { state: this.#state.kind });
      owner.close(closeCodes.handshakeTimeout, 'no welcome in time');
    });
    this.#deadline.set(clock.now() + limits.handshakeTimeoutMs);
  }

  /** Takes an envelope that came before the welcome. */
  handle(envelope: ClientEnvelope): void {
    const state = this.#state;
    if (state.kind === 'awaiting-hello' && envelope.type === 'hello') {
      return this.#greet(envelope, state.upgradeToken);
    }
    if (state.kind === 'awaiting-auth' && envelope.type === 'auth') {
      return this.#verify(state.hello, envelope.payload.token);
    }
    this.#owner.close(closeCodes.unexpected, `${envelope.type} in the state ${state.kind}`);
  }

  /** Ends the handshake, whatever it waits for. */
  end(): void {
    this.#deadline.clear();
    if (this.#state.kind !== 'done') this.#become({ kind: 'done' });
  }

  #greet(hello: Hello, upgradeToken: UpgradeToken | undefined): void {
    const owner = this.#owner;
    const { context } = owner;
    if (!wireVersions.some((version) => hello.payload.versions.includes(version))) {
      return owner.close(
        closeCodes.unsupportedVersion,
        `this server speaks the versions ${wireVersions.join(', ')}`,
      );
    }
    if (hello.payload.auth === 'token') return this.#become({ kind: 'awaiting-auth', hello });
    if (!context.hooks.authenticate) return this.#open(hello, anonymous);
    if (!upgradeToken) return owner.close(closeCodes.unauthenticated, 'token required');
    if ('problem' in upgradeToken) return owner.close(closeCodes.unauthenticated, upgradeToken.problem);
    this.#verify(hello, upgradeToken.token);
  }

  #verify(hello: Hello, token: string): void {
    this.#become({ kind: 'verifying' });
    const accepted = (identity: Identity) => this.#open(hello, identity);
    this.#owner.credentials.check(token, accepted, hello.payload.identity);
  }

  #open(hello: Hello, identity: Identity): void {
    const owner = this.#owner;
    const { context } = owner;
    const { backbone } = context;
    const { clientId, clientEpoch: epoch, acked } = hello.payload;
    const key = clientKey(identity.identity, clientId);
    if (!owner.seat(identity.identity, key)) return;
    this.#become({ kind: 'opening' });
    settle(
      withDeadline(backbone.openClient({ key, epoch, acked }), context.hookDeadline),
      (result) => this.#opened(hello, identity, key, result),
      (reason) => {
        context.logger.error({ err: reason }, 'the backbone failed');
        owner.close(closeCodes.internalError, 'the server failed');
      },
    );
  }

  #opened(
    hello: Hello,
    { identity, claims, presence: info }: Identity,
    key: string,
    result: OpenResult,
  ): void {
    const owner = this.#owner;
    const { context, outbound } = owner;
    if (result.kind === 'stale')
      return owner.close(closeCodes.staleClientEpoch, 'a newer hub has this client id');
    const { clientEpoch, features, window } = hello.payload;
    const { lease, lastSeq } = result;
    const client = { identity, claims, info, clientEpoch, key, lease };
    const older = context.sessions.get(key);
    if (this.#state.kind !== 'opening' || (older && older.client.lease > lease)) {
      forgetClient(context, key, lease);
      return owner.close(closeCodes.connectionReplaced, 'a newer connection has this client id');
    }
    older?.replacedBy(clientEpoch);
    const { limits, heartbeatMs } = context;
    const fitsChunk = limits.maxFrameBytes >= serverLimits.chunkFrameBytes;
    const chosen = wireFeatures.filter(
      (feature) => features.includes(feature) && (feature !== 'chunks' || fitsChunk),
    );
    outbound.push(welcomeOf({ hello, result, limits, heartbeatMs, features: chosen }));
    if (chosen.includes('batch')) outbound.maxBatch = protocolLimits.batchEnvelopes;
    this.end();
    const chunks = chosen.includes('chunks');
    owner.open({ client, lastSeq, window: Math.min(window, limits.window), chunks });
  }

  #become(next: HandshakeState): void {
    checkTransition(handshakeTransitions, this.#state.kind, next.kind);
    this.#state = next;
  }
}
