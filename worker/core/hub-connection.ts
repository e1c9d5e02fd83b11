import { closeAction } from '../../src/protocol/close-action.ts';
import * as closeCodes from '../../src/protocol/close-codes.ts';
import { errorData } from '../../src/protocol/errors.ts';
import type { Outgoing } from '../../src/protocol/outgoing.ts';
import type { ClientEnvelope } from '../../src/protocol/schema.ts';
import { wireFeatures, wireVersions } from '../../src/protocol/version.ts';
import { connectionTransition, sessionDial } from './connection.ts';
import type { Connection, ConnectionEffect, ConnectionInput, Credentials } from './connection-types.ts';
import type { Context } from './context.ts';
import { heartbeatTransition, type HeartbeatInput } from './heartbeat.ts';
import { markStatus, say, stamped, tellError, type HubState } from './hub-state.ts';
import { stepRenewal } from './hub-renewal.ts';
import * as coreLimits from './limits.ts';

/** Steps the connection, carries its effects on, and lets the rest of the hub follow. */
export function stepConnection(hub: HubState, input: ConnectionInput, context: Context): void {
  const before = hub.connection;
  const { state, effects } = connectionTransition(before, input, { config: hub.config, context });
  hub.connection = state;
  if (state.state !== before.state || state.attempt !== before.attempt) markStatus(hub);
  if (hub.session && sessionDial(state) !== hub.session.dial) endSession(hub, input, context);
  if (state.state !== before.state) {
    if (state.state === 'backoff' || state.state === 'suspended') {
      hub.lastError = state.error;
      hub.meter.connectionEnded(state.error.code, sessionDial(before) !== null);
    }
    if (state.state === 'open') hub.meter.connected();
    if (input.kind === 'reconnect' && state.state === 'connecting') hub.meter.reconnectAsked();
    settleReconnects(hub);
  }
  if (input.kind === 'lost' && input.code === closeCodes.staleClientEpoch) {
    // Another hub has taken over. If it has this very store, the next write says so, and this hub ends.
    for (const tabId of hub.tabs.ids.slice(0, 1)) hub.journal.verify(tabId);
  }
  if (!hasSocket(state)) stepRenewal(hub, { kind: 'stop' }, context);
  for (const effect of effects) carryOn(hub, effect, context);
}

const hasSocket = ({ state }: Connection) =>
  state === 'handshaking' || state === 'open' || state === 'draining';

function carryOn(hub: HubState, effect: ConnectionEffect, context: Context): void {
  switch (effect.kind) {
    case 'get-token': {
      const tabIds = hub.tabs.tokenSources();
      if (tabIds.length > 0) hub.effects.push({ ...effect, tabIds });
      else if (hub.linger.phase === 'none' || !hub.linger.needsToken) {
        stepConnection(hub, { kind: 'token', dial: effect.dial, credentials: 'none' }, context);
      }
      return;
    }
    case 'greet':
      greet(hub, effect.dial, effect.credentials, context);
      return;
    case 'dial':
      hub.meter.connectAttempts += 1;
      hub.effects.push({ ...effect, token: carriedToken(hub) });
      return;
    case 'hang-up':
    case 'start-timer':
    case 'cancel-timer':
      hub.effects.push(effect);
      return;
    default:
      effect satisfies never;
  }
}

/** The token of this attempt, where it comes with the upgrade. */
function carriedToken({ connection, config }: HubState): string | undefined {
  if (config.tokenBy === 'message' || connection.state !== 'connecting') return undefined;
  return connection.credentials && connection.credentials !== 'none'
    ? connection.credentials.token
    : undefined;
}

function greet(hub: HubState, dial: number, credentials: Credentials, context: Context): void {
  const { identity, tokenBy } = hub.config;
  const told = credentials !== 'none' && tokenBy === 'message' ? credentials : null;
  const hello = stamped(hub, context.now, {
    type: 'hello',
    payload: {
      versions: wireVersions,
      features: wireFeatures,
      ...hub.identity,
      ...(identity ? { identity } : {}),
      acked: hub.outbox.settled,
      window: coreLimits.receiveWindow,
      auth: told ? 'token' : 'none',
    },
  });
  const envelopes: Outgoing<ClientEnvelope>[] = [{ head: hello }];
  if (told) {
    const { token } = told;
    envelopes.push({ head: stamped(hub, context.now, { type: 'auth', payload: { token } }) });
  }
  if (credentials !== 'none') {
    stepRenewal(hub, { kind: 'offered', expiresAt: credentials.expiresAt ?? Infinity }, context);
  }
  hub.effects.push({
    kind: 'send',
    dial,
    envelopes,
    bounds: { maxBatch: envelopes.length, maxFrameBytes: Infinity },
  });
}

/** What a session leaves behind: requests whose outcome is unknown, topics and entries to ask and send again. */
function endSession(hub: HubState, input: ConnectionInput, context: Context): void {
  hub.session = null;
  hub.outgoing = [];
  hub.rttMs = null;
  hub.topics.sessionLost();
  hub.presences.sessionLost();
  hub.uploads.sessionLost();
  const error = errorData('disconnected', 'connection lost; outcome unknown', {
    retryable: true,
  });
  for (const { tabId, op } of hub.requests.sessionLost()) {
    tellError(hub, tabId, op.id, error);
  }
  if (input.kind === 'lost' && closeAction(input.code) === 'drop-entry') {
    const tooLarge = errorData('too-large', 'refused as too large', {
      detail: String(input.code),
    });
    hub.outbox.failLargestUnderWay(tooLarge);
  }
  hub.outbox.failVolatile();
  stepHeartbeat(hub, { kind: 'stop' }, context);
}

function settleReconnects(hub: HubState): void {
  const { connection } = hub;
  const isOpen = connection.state === 'open';
  if (!isOpen && connection.state !== 'backoff' && connection.state !== 'suspended') return;
  for (const { tabId, id } of hub.reconnecting.splice(0)) {
    if (isOpen) hub.tabs.get(tabId)?.answers.push({ kind: 'response', id });
    else tellError(hub, tabId, id, connection.error);
  }
}

/** Steps the heartbeat of the session. */
export function stepHeartbeat(hub: HubState, input: HeartbeatInput, context: Context): void {
  const { state, effects } = heartbeatTransition(hub.heartbeat, input, hub.heartbeatPolicy, context);
  hub.heartbeat = state;
  for (const effect of effects) {
    switch (effect.kind) {
      case 'ping':
        say(hub, context.now, { type: 'ping', id: pingId(effect.ping) });
        break;
      case 'round-trip':
        hub.rttMs = effect.rttMs;
        hub.meter.roundTrips.add(effect.rttMs);
        markStatus(hub);
        break;
      case 'dead': {
        const code = closeCodes.heartbeatTimeout;
        const { dial } = hub.connection;
        stepConnection(hub, { kind: 'dead', dial, code, reason: 'no answer to a ping' }, context);
        break;
      }
      case 'start-timer':
      case 'cancel-timer':
        hub.effects.push(effect);
        break;
      default:
        effect satisfies never;
    }
  }
}

const pingId = (ping: number) => `p${ping}`;

/** The number of the ping that a pong answers. */
export const pingOf = (re: string): number => Number(re.slice(1));
