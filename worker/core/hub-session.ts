import * as closeCodes from '../../src/protocol/close-codes.ts';
import { errorData, type ConnectionErrorCode, type ErrorData } from '../../src/protocol/errors.ts';
import type { ServerEnvelope, ServerMessage } from '../../src/protocol/schema.ts';
import { wireVersions } from '../../src/protocol/version.ts';
import type { TabItem } from './hub-api.ts';
import type { Context } from './context.ts';
import * as coreLimits from './limits.ts';
import { takeChunkAck, takeRefusal } from './hub-uploads.ts';
import { pingOf, stepConnection, stepHeartbeat } from './hub-connection.ts';
import { stepRenewal, tokenGranted } from './hub-renewal.ts';
import { signalRefused, takeSignal } from './hub-signals.ts';
import { markCounters, markStatus, say, type HubState } from './hub-state.ts';

/** Takes the envelopes of one frame. Consecutive messages stay together: they are the hot path. */
export function takeFrame(hub: HubState, envelopes: readonly ServerEnvelope[], context: Context): void {
  stepHeartbeat(hub, { kind: 'activity' }, context);
  const { dial } = hub.connection;
  let index = 0;
  while (index < envelopes.length && hub.connection.dial === dial) {
    const run = messageRun(envelopes, index);
    if (run.length > 0) {
      index += run.length;
      if (!hub.session) return misplaced(hub, 'message', context);
      hub.session.received += run.length;
      hub.meter.messagesReceived += run.length;
      hub.topics.take(run);
    } else {
      takeEnvelope(hub, envelopes[index]!, context);
      index += 1;
    }
  }
}

function messageRun(
  envelopes: readonly ServerEnvelope[],
  begin: number,
): readonly ServerMessage<'message'>[] {
  let end = begin;
  while (end < envelopes.length && envelopes[end]!.type === 'message') end += 1;
  return envelopes.slice(begin, end) as readonly ServerMessage<'message'>[];
}

function takeEnvelope(hub: HubState, envelope: ServerEnvelope, context: Context): void {
  switch (envelope.type) {
    case 'auth-ok':
      takeOwner(hub, envelope.payload.identity, context);
      return tokenGranted(hub, envelope, context);
    case 'welcome':
      return takeWelcome(hub, envelope, context);
    case 'ping':
      say(hub, context.now, { type: 'pong', re: envelope.id });
      return;
    case 'pong':
      return stepHeartbeat(hub, { kind: 'pong', ping: pingOf(envelope.re) }, context);
    case 'goaway': {
      const { retryAfterMs } = envelope.payload;
      return stepConnection(hub, { kind: 'goaway', dial: hub.connection.dial, retryAfterMs }, context);
    }
    case 'expiring':
      if (!hub.session) return misplaced(hub, envelope.type, context);
      return stepRenewal(hub, { kind: 'expiring' }, context);
    default:
      if (!hub.session) return misplaced(hub, envelope.type, context);
      return takeSessionEnvelope(hub, envelope, context.now);
  }
}

type SessionEnvelope = Exclude<
  ServerEnvelope,
  { type: 'auth-ok' | 'welcome' | 'ping' | 'pong' | 'goaway' | 'expiring' }
>;

function takeSessionEnvelope(hub: HubState, envelope: SessionEnvelope, now: number): void {
  switch (envelope.type) {
    case 'subscribed':
      return hub.topics.confirmed(envelope);
    case 'gap':
      hub.session!.received += 1;
      return hub.topics.gap(envelope);
    case 'message':
      hub.session!.received += 1;
      return hub.topics.take([envelope]);
    case 'ack':
      countAcked(hub, () => hub.outbox.ack(envelope.seq));
      hub.session!.windowBytes = Math.min(hub.session!.windowBytes * 2, coreLimits.windowBytesMax);
      return markCounters(hub);
    case 'nack':
      return takeNack(hub, envelope.seq, envelope.payload);
    case 'chunk': {
      hub.topics.takeChunk(envelope);
      // Also what nobody wants: the server counts how much is under way.
      const { transfer, at, payload } = envelope;
      const received = at + (payload instanceof Uint8Array ? payload.byteLength : 0);
      return say(hub, now, { type: 'chunk-ack', transfer, received });
    }
    case 'chunk-ack':
      return takeChunkAck(hub, envelope);
    case 'revoked': {
      const { topic, what, payload } = envelope;
      if (what === 'presence') return hub.presences.revoked(topic, payload.reason);
      const error = errorData('forbidden', payload.reason, { detail: 'revoked' });
      for (const { tab, sub } of hub.topics.revoked(topic)) tab.answers.push({ kind: 'refused', sub, error });
      return;
    }
    case 'signal':
      return takeSignal(hub, envelope);
    case 'presence':
      return hub.presences.list(envelope);
    case 'presence-change':
      return hub.presences.change(envelope);
    case 'response':
      return answer(hub, envelope.re, (id) => ({ kind: 'response', id, ...content(envelope.payload) }));
    case 'error':
      return takeError(hub, envelope);
    default:
      envelope satisfies never;
  }
}

function takeError(hub: HubState, { re, topic, payload }: ServerMessage<'error'>): void {
  if (re === undefined) {
    hub.lastError = serverError(payload, 'protocol');
    markStatus(hub);
    return;
  }
  const refusal = serverError(payload, 'rejected');
  if (takeRefusal(hub, re, refusal)) return;
  hub.presences.refused(re, refusal);
  signalRefused(hub, re, topic, refusal);
  for (const { tab, sub } of hub.topics.refused(re))
    tab.answers.push({ kind: 'refused', sub, error: refusal });
  answer(hub, re, (id) => ({ kind: 'error', id, error: serverError(payload, 'request-failed') }));
}

/** What one user queued is never sent as another: the server says who this is before anything is sent. */
function takeOwner(hub: HubState, identity: string, context: Context): void {
  if (hub.owner === identity) return;
  if (hub.owner === null || hub.outbox.pending.entries === 0) {
    hub.owner = identity;
    return hub.journal.owner(identity);
  }
  const code = closeCodes.forbidden;
  const { dial } = hub.connection;
  const reason = 'entries of another user wait: set `identity`, or purge() and reconnect()';
  stepConnection(hub, { kind: 'dead', dial, code, reason }, context);
}

function takeWelcome(hub: HubState, welcome: ServerMessage<'welcome'>, context: Context): void {
  const { dial, state } = hub.connection;
  if (state !== 'handshaking') return misplaced(hub, 'welcome', context);
  const { version, features, lastSeq, rejected, limits, heartbeatMs } = welcome.payload;
  if (!wireVersions.includes(version)) {
    const code = closeCodes.unsupportedVersion;
    return stepConnection(hub, { kind: 'dead', dial, code, reason: `wire version ${version}` }, context);
  }
  hub.session = {
    dial,
    bounds: { maxBatch: Math.max(1, limits.maxBatch), maxFrameBytes: limits.maxFrameBytes },
    window: limits.window,
    windowBytes: coreLimits.firstWindowBytes,
    received: 0,
    toldReceived: 0,
    isCongested: false,
    hasChunks: features.includes('chunks'),
  };
  hub.lastError = null;
  for (const refusal of rejected) takeNack(hub, refusal.seq, refusal);
  countAcked(hub, () => hub.outbox.resume(lastSeq));
  if (!hub.session.hasChunks) hub.outbox.held.holdAllAgain();
  // What expired while the server might have had it.
  hub.expiryAt = Math.min(hub.expiryAt, context.now + coreLimits.expiryIntervalMs);
  const { heartbeat } = hub.config;
  hub.heartbeatPolicy =
    heartbeatMs > 0 ? { ...heartbeat, intervalMs: Math.min(heartbeat.intervalMs, heartbeatMs) } : heartbeat;
  stepConnection(hub, { kind: 'welcome', dial }, context);
  stepHeartbeat(hub, { kind: 'start' }, context);
}

/** Counts the entries that an acknowledgement settles. */
function countAcked({ outbox, meter }: HubState, acknowledge: () => void): void {
  const before = outbox.pending.entries;
  acknowledge();
  meter.entriesAcked += before - outbox.pending.entries;
}

function takeNack(hub: HubState, seq: number, refusal: Failure): void {
  if (refusal.code === 'transfer-lost') hub.outbox.held.holdAgain(seq);
  else hub.outbox.fail(seq, serverError(refusal, 'rejected'));
}

/** A message that is valid but has no place here ends the connection. */
function misplaced(hub: HubState, type: string, context: Context): void {
  const code = closeCodes.unexpected;
  const { dial } = hub.connection;
  stepConnection(hub, { kind: 'dead', dial, code, reason: `${type} at the wrong moment` }, context);
}

function answer(hub: HubState, wireId: string, item: (id: string) => TabItem): void {
  const request = hub.requests.settle(wireId);
  if (request) hub.tabs.get(request.tabId)?.answers.push(item(request.op.id));
}

/** A payload as it goes to a tab. */
function content(payload: unknown): { json: string } | { bytes: ArrayBuffer } {
  return payload instanceof Uint8Array
    ? { bytes: payload.slice().buffer }
    : { json: JSON.stringify(payload) };
}

const codesOnTheWire: ReadonlySet<string> = new Set<ConnectionErrorCode>([
  'forbidden',
  'rejected',
  'too-large',
  'queue-full',
  'timeout',
  'unknown-method',
  'request-failed',
  'invalid-payload',
]);

type Failure = ServerMessage<'nack'>['payload'];

/** The server's failure as an error of ours; a code of its own becomes the detail. */
function serverError(failure: Failure, otherwise: ConnectionErrorCode): ErrorData {
  const { code, message, retryable = false } = failure;
  return codesOnTheWire.has(code)
    ? errorData(code as ConnectionErrorCode, message, { retryable })
    : errorData(otherwise, message, { retryable, detail: code });
}
